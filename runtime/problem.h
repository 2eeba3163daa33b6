// SPDX-License-Identifier: Apache-2.0
//
// Problem: the last trouble as one sentence, in fixed memory, without printf.
//
// Place     Beside machine.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace grid::runtime {

class Problem {
 public:
  // Starts a new sentence: `problem.say("key is ").number(300).text(" bytes long")`.
  Problem& say(std::string_view text) {
    size_ = 0;
    ++count_;
    return this->text(text);
  }
  // Of words that stand in the code: there are many of them, and each call is to cost little.
  [[gnu::noinline]] Problem& say(const char* words) { return say(std::string_view(words)); }
  [[gnu::noinline]] Problem& text(const char* words) { return text(std::string_view(words)); }
  Problem& text(std::string_view text) {
    const std::size_t room = sizeof(line_) - 1 - size_;
    const std::size_t size = text.size() < room ? text.size() : room;
    if (size != 0) std::memcpy(line_ + size_, text.data(), size);
    size_ += size;
    line_[size_] = '\0';
    return *this;
  }
  [[gnu::noinline]] Problem& number(std::uint64_t number) {
    char digits[20];
    std::size_t at = sizeof(digits);
    do digits[--at] = static_cast<char>('0' + divide_by_ten(number));
    while (number != 0);
    return text({digits + at, sizeof(digits) - at});
  }
  // Sentences so far: whether somebody has spoken meanwhile.
  std::uint32_t count() const { return count_; }
  const char* line() const { return line_; }
  std::string_view view() const { return {line_, size_}; }

 private:
  // Returns the rest. By 16 bits at a time: to a chip, a division of 64 is a kilobyte of code.
  static std::uint32_t divide_by_ten(std::uint64_t& number) {
    std::uint32_t rest = 0;
    std::uint64_t quotient = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
      const std::uint32_t part = rest << 16 | (static_cast<std::uint32_t>(number >> shift) & 0xffff);
      quotient = quotient << 16 | part / 10;
      rest = part % 10;
    }
    number = quotient;
    return rest;
  }

  std::size_t size_ = 0;
  std::uint32_t count_ = 0;
  char line_[256] = {};
};

}  // namespace grid::runtime
