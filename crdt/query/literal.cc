// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/literal.h"

#include <bit>

#include "crdt/stamp.h"

namespace grid::query {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A whole number as wide as the quotient of a double's greatest by its least needs.
class Big {
 public:
  explicit Big(std::uint64_t number)
      : words_{static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)} {}

  void times(std::uint32_t factor) {
    std::uint64_t carry = 0;
    for (std::uint32_t& word : words_) {
      carry += std::uint64_t{word} * factor;
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  // By `factor` to the power of `exponent`.
  void times(std::uint32_t factor, unsigned exponent) {
    for (; exponent > 0; --exponent) times(factor);
  }
  unsigned bits() const {
    std::size_t count = kWords;
    while (count > 0 && words_[count - 1] == 0) --count;
    return count == 0
               ? 0
               : static_cast<unsigned>(32 * (count - 1)) + static_cast<unsigned>(std::bit_width(words_[count - 1]));
  }
  bool is_below(const Big& other) const {
    for (std::size_t i = kWords; i-- > 0;) {
      if (words_[i] != other.words_[i]) return words_[i] < other.words_[i];
    }
    return false;
  }
  void minus(const Big& other) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint64_t word = std::uint64_t{words_[i]} - other.words_[i] - borrow;
      words_[i] = static_cast<std::uint32_t>(word);
      borrow = word >> 63;
    }
  }

 private:
  // 10^361 (19 digits, scaled by 342) shifted by the 64 bits of a quotient.
  static constexpr std::size_t kWords = 44;
  std::uint32_t words_[kWords] = {};
};

constexpr int kMantissaBits = 53;
constexpr int kExponentLeast = -1'074;  // Of the last bit of the least double.

// The double of `mantissa` * 2^`exponent`, of which a bit lower than all is set where `is_more`.
Result<double> rounded(std::uint64_t mantissa, int exponent, bool is_more) {
  int drop = static_cast<int>(std::bit_width(mantissa)) - kMantissaBits;
  if (drop < kExponentLeast - exponent) drop = kExponentLeast - exponent;
  if (drop > 0) {
    if (drop > 64) return 0.0;
    const std::uint64_t half = std::uint64_t{1} << (drop - 1);
    const std::uint64_t rest = drop == 64 ? mantissa : mantissa & (2 * half - 1);
    std::uint64_t kept = drop == 64 ? 0 : mantissa >> drop;
    if (rest > half || (rest == half && (is_more || (kept & 1) != 0))) ++kept;
    mantissa = kept;
    exponent += drop;
  }
  const int width = static_cast<int>(std::bit_width(mantissa));
  if (width + exponent > 1'024) return Status::too_large;
  if (width < kMantissaBits) {
    const int room = kMantissaBits - width;
    const int shift = exponent - room < kExponentLeast ? exponent - kExponentLeast : room;
    mantissa <<= shift;
    exponent -= shift;
  } else if (width > kMantissaBits) {
    mantissa >>= 1;
    ++exponent;
  }
  const bool is_normal = (mantissa >> (kMantissaBits - 1)) != 0;
  const auto biased = is_normal ? static_cast<std::uint64_t>(exponent - kExponentLeast + 1) : 0;
  return std::bit_cast<double>(biased << 52 | (mantissa & ((std::uint64_t{1} << 52) - 1)));
}

// digits * 10^exponent, by long division of whole numbers into a quotient of 64 bits.
Result<double> double_of(std::uint64_t digits, int exponent) {
  if (digits == 0) return 0.0;
  if (exponent > 310) return Status::too_large;
  if (exponent < -362) return 0.0;
  Big above(digits), below(1);
  if (exponent > 0) {
    above.times(10, static_cast<unsigned>(exponent));
  } else {
    below.times(10, static_cast<unsigned>(-exponent));
  }
  // Both are moved so that the quotient lies between 1 and 4.
  int scale = static_cast<int>(above.bits()) - static_cast<int>(below.bits()) - 1;
  if (scale > 0) {
    below.times(2, static_cast<unsigned>(scale));
  } else {
    above.times(2, static_cast<unsigned>(-scale));
  }
  std::uint64_t quotient = 0;
  for (int bit = 0; bit < 62; ++bit) {
    std::uint64_t digit = 0;
    for (; !above.is_below(below); ++digit) above.minus(below);
    quotient = 2 * quotient + digit;
    above.times(2);
    if (bit > 0) --scale;
  }
  return rounded(quotient, scale, above.bits() != 0);
}

// A number's text taken apart: digits * 10^exponent.
struct Decimal {
  bool is_negative = false;
  std::uint64_t digits = 0;
  int exponent = 0;
};

// Digits, of which `behind` says that they stand behind the point. Zeros at the end wait until another digit comes.
Status take_digits(std::string_view& text, bool behind, Decimal& into, int& zeros) {
  while (!text.empty() && is_digit(text[0])) {
    const auto digit = static_cast<std::uint64_t>(text[0] - '0');
    text.remove_prefix(1);
    if (into.exponent < -1'000 || zeros > 1'000) return Status::too_large;
    if (digit == 0 && into.digits != 0) {
      ++zeros;
    } else if (digit != 0) {
      for (; zeros >= 0; --zeros) {
        const std::uint64_t next = zeros > 0 ? 0 : digit;
        if (into.digits > (UINT64_MAX - next) / 10) return Status::too_large;
        into.digits = into.digits * 10 + next;
      }
      zeros = 0;
    }
    if (behind) --into.exponent;
  }
  return Status::ok;
}

Status take_exponent(std::string_view& text, Decimal& into) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return Status::ok;
  text.remove_prefix(1);
  const bool is_negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return Status::invalid;
  int exponent = 0;
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
    if (exponent < 10'000) exponent = exponent * 10 + (text[0] - '0');
  }
  into.exponent += is_negative ? -exponent : exponent;
  return Status::ok;
}

Result<Decimal> parse_decimal(std::string_view text, bool& is_plain) {
  Decimal decimal;
  decimal.is_negative = !text.empty() && text[0] == '-';
  if (decimal.is_negative) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return Status::invalid;
  int zeros = 0;
  GRID_TRY(take_digits(text, false, decimal, zeros));
  is_plain = text.empty();
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    if (text.empty() || !is_digit(text[0])) return Status::invalid;
    GRID_TRY(take_digits(text, true, decimal, zeros));
  }
  GRID_TRY(take_exponent(text, decimal));
  decimal.exponent += zeros;
  if (!text.empty()) return Status::invalid;
  return decimal;
}

// The integer that it is, if it is one of 64 bits.
bool as_integer(Decimal decimal, std::int64_t& integer) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 63;
  if (decimal.digits == 0) return integer = 0, true;
  if (decimal.exponent < 0 || decimal.exponent > 18) return false;
  for (; decimal.exponent > 0; --decimal.exponent) {
    if (decimal.digits > kLeast / 10) return false;
    decimal.digits *= 10;
  }
  if (decimal.digits > (decimal.is_negative ? kLeast : kLeast - 1)) return false;
  integer = static_cast<std::int64_t>(decimal.is_negative ? ~decimal.digits + 1 : decimal.digits);
  return true;
}

unsigned hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 16;
}

}  // namespace

Result<Number> parse_number(std::string_view text) {
  constexpr double kBeyond = 9'223'372'036'854'775'808.0;  // 2^63
  bool is_plain = false;
  const Result<Decimal> decimal = parse_decimal(text, is_plain);
  if (!decimal.ok()) return decimal.status();
  Number number;
  if (is_plain) {
    number.is_integer = as_integer(*decimal, number.integer);
    if (!number.is_integer) return Status::too_large;
    return number;
  }
  const Result<double> magnitude = double_of(decimal->digits, decimal->exponent);
  if (!magnitude.ok()) return magnitude.status();
  number.number = decimal->is_negative ? -*magnitude : *magnitude;
  if (number.number >= -kBeyond && number.number < kBeyond) {
    number.integer = static_cast<std::int64_t>(number.number);
    number.is_integer = static_cast<double>(number.integer) == number.number;
  }
  return number;
}

Result<std::int64_t> parse_timestamp(std::string_view text) {
  constexpr std::string_view kRest = "0000-00-00T00:00:00.000Z.0000.0000000000000000";
  constexpr std::size_t kForms[] = {10, 17, 20, 24};  // Day, minute, second, millisecond.
  static_assert(kRest.size() == crdt::Stamp::kTextBytes);
  bool is_form = false;
  for (const std::size_t form : kForms) is_form = is_form || text.size() == form;
  if (!is_form) return Status::invalid;
  char whole[crdt::Stamp::kTextBytes];
  std::memcpy(whole, kRest.data(), sizeof(whole));
  const bool has_time = text.size() > kForms[0];
  if (has_time && text.back() != 'Z') return Status::invalid;
  std::memcpy(whole, text.data(), text.size() - (has_time && text.size() < kForms[3] ? 1 : 0));
  const Result<crdt::Stamp> stamp = crdt::parse_stamp({whole, sizeof(whole)});
  if (!stamp.ok()) return stamp.status();
  return static_cast<std::int64_t>(stamp->wall_ms());
}

Result<Bytes> parse_hex(std::string_view text, MutBytes room) {
  if (text.size() % 2 != 0) return Status::invalid;
  if (text.size() / 2 > room.size()) return Status::too_large;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const unsigned high = hex_digit(text[i]);
    const unsigned low = hex_digit(text[i + 1]);
    if (high > 15 || low > 15) return Status::invalid;
    room[i / 2] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return Bytes(room.first(text.size() / 2));
}

}  // namespace grid::query
