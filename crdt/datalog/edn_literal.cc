// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/edn_literal.h"

namespace grid::datalog::edn {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint32_t hex_digit(char c) {
  if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<std::uint32_t>(lower - 'a') + 10 : kNone;
}

// The four digits at the front.
std::uint32_t take_hex(std::string_view& text) {
  if (text.size() < 4) return kNone;
  std::uint32_t unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint32_t digit = hex_digit(text[i]);
    if (digit == kNone) return kNone;
    unit = unit << 4 | digit;
  }
  text.remove_prefix(4);
  return unit;
}

// The code point whose first four digits are at the front: of those that two units stand for, with both.
std::uint32_t take_code(std::string_view& text) {
  const std::uint32_t unit = take_hex(text);
  if (unit == kNone || unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || !text.starts_with("\\u")) return kNone;
  text.remove_prefix(2);
  const std::uint32_t second = take_hex(text);
  if (second == kNone || second < 0xdc00 || second > 0xdfff) return kNone;
  return 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
}

std::size_t put_code(std::uint32_t code, char* to) {
  const auto tail = [code](unsigned shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    to[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    to[0] = static_cast<char>(0xc0 | code >> 6);
    to[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    to[0] = static_cast<char>(0xe0 | code >> 12);
    to[1] = tail(6);
    to[2] = tail(0);
    return 3;
  }
  to[0] = static_cast<char>(0xf0 | code >> 18);
  to[1] = tail(12);
  to[2] = tail(6);
  to[3] = tail(0);
  return 4;
}

// What stands for one byte behind a backslash; 0: nothing does.
char plain_escape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case '"':
    case '\\':
      return c;
    default:
      return '\0';
  }
}

// Eats text from its front; what is not as asked makes it fail for good.
class Eater {
 public:
  explicit Eater(std::string_view text) : rest_(text) {}

  bool took(char c) {
    const bool is_there = ok_ && rest_.starts_with(c);
    if (is_there) rest_.remove_prefix(1);
    return is_there;
  }
  // A number of so many digits, from `least` to `most`.
  int digits(std::size_t count, int least, int most) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_.empty() || !is_digit(rest_[0])) return fail();
      number = 10 * number + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return number >= least && number <= most ? number : fail();
  }
  bool has_digit() const { return ok_ && !rest_.empty() && is_digit(rest_[0]); }
  int fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  bool is_done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Days since 1970 of a day of the Gregorian calendar; years begin in March here, so that a leap day is a year's last.
std::int64_t days_of(int year, int month, int day) {
  const int shifted = month > 2 ? year : year - 1;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
  const std::int64_t of_era = shifted - era * 400;
  const int of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

int days_in(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

// Milliseconds behind a point.
int eat_fraction(Eater& eater) {
  if (!eater.has_digit()) return eater.fail();
  int ms = 0;
  for (int weight = 100; eater.has_digit(); weight /= 10) {
    const int digit = eater.digits(1, 0, 9);
    if (weight == 0 && digit != 0) return eater.fail();
    ms += digit * weight;
  }
  return ms;
}

std::int64_t eat_time(Eater& eater) {
  const int hours = eater.digits(2, 0, 23);
  std::int64_t ms = hours * std::int64_t{3'600'000};
  if (!eater.took(':')) return ms;
  ms += eater.digits(2, 0, 59) * std::int64_t{60'000};
  if (!eater.took(':')) return ms;
  ms += eater.digits(2, 0, 59) * std::int64_t{1'000};
  return eater.took('.') ? ms + eat_fraction(eater) : ms;
}

std::int64_t eat_offset(Eater& eater) {
  if (eater.took('Z')) return 0;
  const bool is_east = eater.took('+');
  if (!is_east && !eater.took('-')) return 0;
  std::int64_t ms = eater.digits(2, 0, 23) * std::int64_t{3'600'000};
  if (!eater.took(':')) return eater.fail();
  ms += eater.digits(2, 0, 59) * std::int64_t{60'000};
  return is_east ? ms : -ms;
}

std::uint32_t base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a') + 26;
  if (is_digit(c)) return static_cast<std::uint32_t>(c - '0') + 52;
  return c == '+' ? 62 : c == '/' ? 63 : kNone;
}

}  // namespace

Result<std::string_view> unescaped(std::string_view inside, std::span<char> room) {
  std::size_t size = 0;
  while (!inside.empty()) {
    const char c = inside[0];
    inside.remove_prefix(1);
    if (c != '\\') {
      room[size++] = c;
      continue;
    }
    if (inside.empty()) return Status::invalid;
    const char escape = inside[0];
    inside.remove_prefix(1);
    if (escape == 'u') {
      const std::uint32_t code = take_code(inside);
      if (code == kNone) return Status::invalid;
      size += put_code(code, room.data() + size);
    } else {
      room[size] = plain_escape(escape);
      if (room[size++] == '\0') return Status::invalid;
    }
  }
  return std::string_view(room.data(), size);
}

Result<std::string_view> letter_of(std::string_view name, std::span<char, 4> room) {
  constexpr struct {
    std::string_view name;
    char letter;
  } kNamed[] = {{"newline", '\n'}, {"space", ' '},      {"tab", '\t'},
                {"return", '\r'},  {"backspace", '\b'}, {"formfeed", '\f'}};
  for (const auto& named : kNamed) {
    if (name != named.name) continue;
    room[0] = named.letter;
    return std::string_view(room.data(), 1);
  }
  if (name.size() == 5 && name[0] == 'u') {
    name.remove_prefix(1);
    const std::uint32_t code = take_code(name);
    if (code == kNone) return Status::invalid;
    return std::string_view(room.data(), put_code(code, room.data()));
  }
  // One character of UTF-8, which the lexer has looked at.
  const auto first = static_cast<unsigned char>(name[0]);
  const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (name.size() != size) return Status::invalid;
  for (std::size_t i = 0; i < size; ++i) room[i] = name[i];
  return std::string_view(room.data(), size);
}

Result<std::int64_t> date_of(std::string_view text) {
  Eater eater(text);
  const int year = eater.digits(4, 0, 9'999);
  const int month = eater.took('-') ? eater.digits(2, 1, 12) : 1;
  const int day = eater.took('-') ? eater.digits(2, 1, 31) : 1;
  std::int64_t ms = 0;
  if (eater.took('T')) {
    ms = eat_time(eater);
    ms -= eat_offset(eater);
  }
  if (!eater.is_done() || day > days_in(year, month)) return Status::invalid;
  return days_of(year, month, day) * 86'400'000 + ms;
}

Result<Bytes> bytes_of(std::string_view base64, MutBytes room) {
  if (base64.size() % 4 != 0) return Status::invalid;
  std::size_t size = 0;
  for (; !base64.empty(); base64.remove_prefix(4)) {
    const std::size_t digits = base64.size() > 4 || base64[3] != '=' ? 4 : base64[2] != '=' ? 3 : 2;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const std::uint32_t digit = base64_digit(base64[i]);
      if (digit == kNone) return Status::invalid;
      bits |= digit << (18 - 6 * i);
    }
    if ((bits & ((std::uint32_t{1} << (24 - 8 * (digits - 1))) - 1)) != 0) return Status::invalid;
    for (std::size_t i = 0; i + 1 < digits; ++i) room[size++] = static_cast<std::uint8_t>(bits >> (16 - 8 * i));
  }
  return Bytes(room.first(size));
}

}  // namespace grid::datalog::edn
