// SPDX-License-Identifier: Apache-2.0
//
// The text of a number by arithmetic on whole numbers of any size, which is small and slow: Burger and Dybvig's
// "Printing Floating-Point Numbers Quickly and Accurately", without its tables.

#include <bit>
#include <cstdint>

#include "crdt/datalog/number_text.h"

namespace grid::datalog {
namespace {

constexpr std::size_t kDigitsMax = 24;  // Of what stands without an exponent; 17 make every number.

// A whole number of up to 1152 bits: a double has 1075 on either side of its point.
class Whole {
 public:
  Whole(std::uint64_t number, unsigned shift) {
    for (unsigned bit = 0; bit < 64; ++bit) {
      const unsigned at = bit + shift;
      if ((number >> bit & 1) != 0) words_[at / 32] |= std::uint32_t{1} << (at % 32);
    }
  }
  void multiply(std::uint32_t factor) {
    std::uint64_t carry = 0;
    for (std::uint32_t& word : words_) {
      carry += std::uint64_t{word} * factor;
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  void add(const Whole& other, bool is_minus = false) {
    std::uint64_t carry = is_minus ? 1 : 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      carry += std::uint64_t{words_[i]} + (is_minus ? ~other.words_[i] : other.words_[i]);
      words_[i] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  int compare(const Whole& other) const {
    for (std::size_t i = kWords; i-- > 0;) {
      if (words_[i] != other.words_[i]) return words_[i] < other.words_[i] ? -1 : 1;
    }
    return 0;
  }

 private:
  static constexpr std::size_t kWords = 36;
  std::uint32_t words_[kWords] = {};
};

// number = rest / whole, and all between rest - below and rest + above reads as the same number.
struct Ratio {
  Whole rest, whole, above, below;
  bool has_edges;  // They do, too.

  bool is_below(int times) const {  // Whether what stands behind the last digit, and `above`, is less than a whole.
    Whole sum = rest;
    sum.add(above);
    for (; times > 1; --times) sum.add(rest), sum.add(above);
    const int order = sum.compare(whole);
    return has_edges ? order < 0 : order <= 0;
  }
  void move() {
    rest.multiply(10);
    above.multiply(10);
    below.multiply(10);
  }
  char take_digit() {
    char digit = 0;
    for (; rest.compare(whole) >= 0; ++digit) rest.add(whole, true);
    return digit;
  }
};

Ratio ratio_of(std::uint64_t bits) {
  constexpr std::uint64_t kHidden = std::uint64_t{1} << 52;
  const auto exponent = static_cast<unsigned>(bits >> 52 & 0x7ff);
  const std::uint64_t mantissa = (bits & (kHidden - 1)) | (exponent > 0 ? kHidden : 0);
  const unsigned power = exponent > 0 ? exponent - 1 : 0;             // number = mantissa * 2^(power - 1074)
  const unsigned edge = mantissa == kHidden && exponent > 1 ? 1 : 0;  // The number below is half as far.
  const unsigned up = power > 1074 ? power - 1074 : 0;
  const unsigned down = power < 1074 ? 1074 - power : 0;
  return {{mantissa, up + 1 + edge}, {1, down + 1 + edge}, {1, up + edge}, {1, up}, mantissa % 2 == 0};
}

struct Decimal {
  char digits[kDigitsMax];
  int count = 0;
  int point = 0;  // Digits before it, or less than 0: zeros behind it before the first digit.
};

int find_point(Ratio& ratio) {
  int point = 0;
  for (; !ratio.is_below(1); ++point) ratio.whole.multiply(10);
  for (; ratio.is_below(10); --point) ratio.move();
  return point;
}

// The shortest, and of these the closest.
Decimal shortest(Ratio ratio) {
  Decimal decimal;
  decimal.point = find_point(ratio);
  for (;;) {
    ratio.move();
    char digit = ratio.take_digit();
    const int order = ratio.rest.compare(ratio.below);
    const bool is_low = ratio.has_edges ? order <= 0 : order < 0;
    const bool is_high = !ratio.is_below(1);
    if (is_low || is_high) {
      Whole twice = ratio.rest;
      twice.add(ratio.rest);
      const int half = twice.compare(ratio.whole);
      if (is_high && (!is_low || half > 0 || (half == 0 && digit % 2 == 1))) ++digit;
    }
    decimal.digits[decimal.count++] = digit;
    if (is_low || is_high) return decimal;
  }
}

// All digits of a whole number.
Decimal exact(Ratio ratio, int count) {
  Decimal decimal;
  for (int i = 0; i < count; ++i) ratio.whole.multiply(10);
  for (; decimal.count < count; ++decimal.count) {
    ratio.move();
    decimal.digits[decimal.count] = ratio.take_digit();
  }
  decimal.point = count;
  return decimal;
}

class Writer {
 public:
  explicit Writer(char* to) : begin_(to), to_(to) {}

  void put(char byte) { *to_++ = byte; }
  // [from, to) of the digits, zeros where there are none.
  void put_digits(const Decimal& decimal, int from, int to) {
    for (int i = from; i < to; ++i) put(i < 0 || i >= decimal.count ? '0' : static_cast<char>('0' + decimal.digits[i]));
  }
  void put_plain(const Decimal& decimal) {
    put_digits(decimal, decimal.point > 0 ? 0 : -1, decimal.point > 0 ? decimal.point : 0);
    if (decimal.count <= decimal.point) return;
    put('.');
    put_digits(decimal, decimal.point, decimal.count);
  }
  void put_with_exponent(const Decimal& decimal) {
    put_digits(decimal, 0, 1);
    if (decimal.count > 1) put('.');
    put_digits(decimal, 1, decimal.count);
    put('e');
    const int exponent = decimal.point - 1;
    put(exponent < 0 ? '-' : '+');
    const int size = exponent < 0 ? -exponent : exponent;
    if (size >= 100) put(static_cast<char>('0' + size / 100));
    put(static_cast<char>('0' + size / 10 % 10));
    put(static_cast<char>('0' + size % 10));
  }
  std::string_view text() const { return {begin_, static_cast<std::size_t>(to_ - begin_)}; }

 private:
  char* begin_;
  char* to_;
};

}  // namespace

std::string_view text_of_number(double number, std::span<char, kNumberTextMax> room) {
  const auto bits = std::bit_cast<std::uint64_t>(number);
  Writer writer(room.data());
  if (bits >> 63 != 0) writer.put('-');
  const std::uint64_t magnitude = bits << 1 >> 1;
  constexpr std::uint64_t kInfinity = std::uint64_t{0x7ff} << 52;
  if (magnitude >= kInfinity) {
    for (const char letter : std::string_view(magnitude > kInfinity ? "nan" : "inf")) writer.put(letter);
    return writer.text();
  }
  if (magnitude == 0) {
    writer.put('0');
    return writer.text();
  }
  const Decimal decimal = shortest(ratio_of(magnitude));
  // As many digits as the exponent's four bytes and a point make the longer one.
  const int exponent = decimal.point - decimal.count;
  const int is_one = decimal.count == 1 ? 1 : 0;
  if (exponent < -(decimal.count + 3) + is_one || exponent > 5 - is_one) {
    writer.put_with_exponent(decimal);
  } else {
    writer.put_plain(exponent > 0 ? exact(ratio_of(magnitude), decimal.point) : decimal);
  }
  return writer.text();
}

}  // namespace grid::datalog
