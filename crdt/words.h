// SPDX-License-Identifier: Apache-2.0
//
// What sentences about a wrong text are made with: a line that is cut off where its room ends, and the word that was
// meant where another stands.
//
// Place     Beside value.h, for the languages above it. Only who says sentences links it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace grid::crdt {

// Text in the front of a room, as far as it fits.
class Line {
 public:
  explicit Line(std::span<char> room) : room_(room) {}

  void say(std::string_view text) {
    const std::size_t count = std::min(text.size(), room_.size() - size_);
    if (count > 0) std::memcpy(room_.data() + size_, text.data(), count);
    size_ += count;
  }
  void say_number(std::uint64_t number) {
    char digits[20];
    char* first = digits + sizeof(digits);
    do *--first = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
    say({first, static_cast<std::size_t>(digits + sizeof(digits) - first)});
  }
  std::string_view said() const { return {room_.data(), size_}; }

 private:
  std::span<char> room_;
  std::size_t size_ = 0;
};

// Of words that are offered one by one, the one that is nearest to `word`, when it is near.
class Nearest {
 public:
  explicit Nearest(std::string_view word) : word_(word), least_(word.size() < 5 ? 2 : 3) {}

  void offer(std::string_view candidate) {
    if (word_.empty() || word_.size() > kWordMax || candidate.size() > kWordMax) return;
    const std::size_t slips = slips_between(word_, candidate);
    if (slips >= least_ || slips >= candidate.size()) return;
    least_ = slips;
    best_ = candidate;
  }
  void offer_all(std::span<const std::string_view> words) {
    for (const std::string_view word : words) offer(word);
  }
  std::string_view best() const { return best_; }

 private:
  static constexpr std::size_t kWordMax = 31;

  // Slips that make one word of the other: a letter too many, too few, or wrong.
  static std::size_t slips_between(std::string_view a, std::string_view b) {
    std::size_t row[kWordMax + 1];
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t corner = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const bool is_same = (a[i - 1] | 0x20) == (b[j - 1] | 0x20);
        const std::size_t replaced = corner + (is_same ? 0 : 1);
        corner = row[j];
        row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row[b.size()];
  }

  std::string_view word_;
  std::size_t least_;  // Slips that are too many.
  std::string_view best_;
};

}  // namespace grid::crdt
