// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/number_text.h"

#include <charconv>

namespace grid::datalog {

std::string_view text_of_number(double number, std::span<char, kNumberTextMax> room) {
  const std::to_chars_result written = std::to_chars(room.data(), room.data() + room.size(), number);
  return {room.data(), static_cast<std::size_t>(written.ptr - room.data())};
}

}  // namespace grid::datalog
