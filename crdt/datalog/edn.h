// SPDX-License-Identifier: Apache-2.0
//
// EDN: the data notation of Clojure, read into flat nodes.
//
// Place     Below parse.h, and for whoever takes transactions as text. Knows neither questions nor facts.
// Promises  No recursion: a text of any nesting is read or refused. A node knows the line and column where it stands.
// Ownership Nodes lie in the arena; what they show is of the text, or of the arena where an escape was undone.
//
// nil, booleans, integers of 64 bits, numbers, text, characters (as text of one), keywords, symbols, lists, vectors,
// maps, sets, #inst and #bytes. Not: ratios, decimals, other tags, metadata, regular expressions.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/base/arena.h"
#include "crdt/datalog/edn_lexer.h"

namespace grid::datalog::edn {

inline constexpr std::size_t kDepthMax = 32;
inline constexpr std::size_t kFormBytesMax = 65'536;

struct Node;

// Forms that stand one behind the other. An iterator leaps over what is inside of each.
class Forms {
 public:
  class Iterator {
   public:
    explicit Iterator(const Node* at) : at_(at) {}
    const Node& operator*() const { return *at_; }
    Iterator& operator++();
    bool operator==(const Iterator&) const = default;

   private:
    const Node* at_;
  };

  Forms() = default;
  Forms(const Node* first, const Node* end) : first_(first), end_(end) {}

  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(end_); }
  bool empty() const { return first_ == end_; }
  const Node& front() const { return *first_; }  // Only where they are not empty.
  Forms rest() const;                            // Without the first; of none, none.
  std::size_t count() const;
  // All nodes, inner ones too, in the order of the text.
  std::span<const Node> nodes() const;

 private:
  const Node* first_ = nullptr;
  const Node* end_ = nullptr;
};

struct Node {
  enum class Kind : std::uint8_t {
    nil,
    boolean,
    integer,
    number,
    text,
    keyword,
    symbol,
    date,
    bytes,
    list,
    vector,
    map,
    set
  };

  Kind kind = Kind::nil;
  std::uint32_t size = 1;     // Nodes from here to behind its last inner one.
  std::string_view text{};    // Of text, keywords (without the colon), symbols and bytes.
  std::int64_t integer = 0;   // Of booleans, integers and dates (milliseconds since 1970); the bits of a number.
  std::string_view source{};  // As it is written.
  Place at{};

  bool is(Kind one) const { return kind == one; }
  bool is_symbol(std::string_view name) const { return kind == Kind::symbol && text == name; }
  bool is_keyword(std::string_view name) const { return kind == Kind::keyword && text == name; }
  // Forms stand inside.
  bool is_container() const { return kind >= Kind::list; }
  double number() const { return std::bit_cast<double>(integer); }
  Forms items() const { return {this + 1, this + size}; }
};

inline Forms::Iterator& Forms::Iterator::operator++() {
  at_ += at_->size;
  return *this;
}
inline Forms Forms::rest() const { return empty() ? *this : Forms(first_ + first_->size, end_); }
inline std::size_t Forms::count() const {
  std::size_t count = 0;
  for (const Node* at = first_; at != end_; at += at->size) ++count;
  return count;
}
inline std::span<const Node> Forms::nodes() const { return {first_, end_}; }

// The only form of `text`.
//   invalid    It is no EDN, there is none, or more than one.
//   too_large  It is longer than `bytes_max`, or nested deeper than kDepthMax.
//   full       The arena has no room.
Result<const Node*> read(std::string_view text, Arena& arena, Trouble& trouble, std::size_t bytes_max = kFormBytesMax);

// The forms of a text of any length, one at a time: memory is needed for the longest only.
class Reader {
 public:
  // Those inside of the vector or list that the text is, where the first of these is neither a word nor text; else the
  // text's own, one behind the other.
  explicit Reader(std::string_view text);

  // The next; null behind the last. Errors as those of read(), and stick: there is no going on behind them.
  Result<const Node*> next(Arena& arena, Trouble& trouble, std::size_t bytes_max = kFormBytesMax);

 private:
  Lexer lexer_;
  Token open_;
  bool is_inside_ = false;
};

}  // namespace grid::datalog::edn
