// SPDX-License-Identifier: Apache-2.0
//
// The text of a number: the shortest that reads as the same number, plain where that is no longer than with an
// exponent.
//
// Place     Lowest of crdt/datalog. Two of one function, to the byte: the compiler's own library's, and one for chips,
//           which have none (number_text_small.cc).
#pragma once

#include <span>
#include <string_view>

namespace grid::datalog {

inline constexpr std::size_t kNumberTextMax = 32;

// In the front of `room`.
std::string_view text_of_number(double number, std::span<char, kNumberTextMax> room);

}  // namespace grid::datalog
