// SPDX-License-Identifier: Apache-2.0
//
// What a question is put together of in C++: variables, blanks and constants.
//
// Place     Below builder.h and query_maker.h.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace grid::datalog {

// A variable by its name, question mark and all.
struct Var {
  std::string_view name;
};
constexpr Var var(std::string_view name) { return {name}; }

struct Any {};  // A blank: it matches everything.
inline constexpr Any any{};

// What stands in a clause: a variable, a blank or a constant.
class Part {
 public:
  Part(Var var) : kind_(Kind::variable), text_(var.name) {}
  Part(Any) : kind_(Kind::blank) {}
  Part(std::string_view text) : kind_(Kind::text), text_(text) {}
  Part(const char* text) : kind_(Kind::text), text_(text) {}
  Part(double number) : kind_(Kind::number), number_(number) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
  Part(T number)
      : kind_(std::is_same_v<T, bool> ? Kind::boolean : Kind::integer), integer_(static_cast<std::int64_t>(number)) {}

 private:
  friend class QueryBuilder;
  friend class QueryMaker;
  enum class Kind : std::uint8_t { blank, variable, text, integer, number, boolean };

  Kind kind_;
  std::string_view text_;
  std::int64_t integer_ = 0;
  double number_ = 0;
};

}  // namespace grid::datalog
