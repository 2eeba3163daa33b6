// SPDX-License-Identifier: Apache-2.0
//
// Sentence: why a link ended, for people: in fixed memory, without printf.
//
// Place     Within transport/ only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace grid::transport {

class Sentence {
 public:
  Sentence& say(std::string_view text) {
    size_ = 0;
    return this->text(text);
  }
  // What does not fit is left out, what no terminal should see is a question mark: a peer may have chosen it.
  Sentence& text(std::string_view text) {
    for (const char c : text) {
      if (size_ + 1 < sizeof(line_)) line_[size_++] = c >= ' ' && c <= '~' ? c : '?';
    }
    line_[size_] = '\0';
    return *this;
  }
  Sentence& number(std::size_t number) {
    char digits[20];
    std::size_t at = sizeof(digits);
    do digits[--at] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    return text({digits + at, sizeof(digits) - at});
  }
  // As libraries print their error codes: -0x7200.
  Sentence& hex(int number) {
    text(number < 0 ? "-0x" : "0x");
    const unsigned magnitude = number < 0 ? 0u - static_cast<unsigned>(number) : static_cast<unsigned>(number);
    int shift = 28;
    while (shift > 0 && magnitude >> shift == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) text({&"0123456789abcdef"[magnitude >> shift & 15], 1});
    return *this;
  }

  const char* line() const { return line_; }
  std::string_view view() const { return {line_, size_}; }

 private:
  std::size_t size_ = 0;
  char line_[160] = {};
};

}  // namespace grid::transport
