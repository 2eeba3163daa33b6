// SPDX-License-Identifier: Apache-2.0
//
// Text of stamps. The calendar is counted by hand: libc's would bring a locale, a time zone and a heap.

#include "crdt/stamp.h"

#include <algorithm>

namespace grid::crdt {
namespace {

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr unsigned kYearFirst = 1970;
constexpr unsigned kYearLast = 9999;
constexpr unsigned kMonthDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

struct Date {
  unsigned year;
  unsigned month;  // From 1.
  unsigned day;    // From 1.
};

constexpr bool is_leap(unsigned year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr unsigned days_in(unsigned year, unsigned month) {
  return kMonthDays[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

// Days from the first day of the Gregorian calendar's year 1 to the first of `year`.
constexpr unsigned days_before(unsigned year) {
  const unsigned past = year - 1;
  return past * 365 + past / 4 - past / 100 + past / 400;
}

constexpr unsigned kDaysBeforeEpoch = days_before(kYearFirst);
static_assert(kDaysBeforeEpoch == 719'162);

Date date_of(unsigned days_since_epoch) {
  const unsigned days = days_since_epoch + kDaysBeforeEpoch;
  unsigned year = days / 366 + 1;  // Never too late, and a few years early at most.
  while (days_before(year + 1) <= days) ++year;
  unsigned day = days - days_before(year);
  unsigned month = 1;
  while (day >= days_in(year, month)) day -= days_in(year, month++);
  return {year, month, day + 1};
}

unsigned days_since_epoch(const Date& date) {
  unsigned days = days_before(date.year) - kDaysBeforeEpoch + date.day - 1;
  for (unsigned month = 1; month < date.month; ++month) days += days_in(date.year, month);
  return days;
}

// Writes `number` in `digits` digits of `base`, then `after` unless that is 0; returns where to go on.
char* put(std::uint64_t number, unsigned base, unsigned digits, char after, char* to) {
  for (unsigned i = digits; i > 0; --i, number /= base) to[i - 1] = "0123456789abcdef"[number % base];
  to += digits;
  if (after != 0) *to++ = after;
  return to;
}

unsigned digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return 16;
}

// Takes what put() writes off the front of `rest`; false when it isn't there.
bool take(std::string_view& rest, unsigned base, unsigned digits, char after, std::uint64_t& number) {
  const std::size_t size = digits + (after != 0 ? 1u : 0u);
  if (rest.size() < size || (after != 0 && rest[digits] != after)) return false;
  number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const unsigned digit = digit_of(rest[i]);
    if (digit >= base) return false;
    number = number * base + digit;
  }
  rest.remove_prefix(size);
  return true;
}

// Takes one number below `limit`, at least `first`.
bool take(std::string_view& rest, unsigned digits, char after, unsigned first, unsigned limit, unsigned& number) {
  std::uint64_t taken = 0;
  if (!take(rest, 10, digits, after, taken) || taken < first || taken >= limit) return false;
  number = static_cast<unsigned>(taken);
  return true;
}

bool take_date(std::string_view& rest, Date& date) {
  return take(rest, 4, '-', kYearFirst, kYearLast + 1, date.year) && take(rest, 2, '-', 1, 13, date.month) &&
         take(rest, 2, 'T', 1, days_in(date.year, date.month) + 1, date.day);
}

bool take_time(std::string_view& rest, std::uint64_t& ms) {
  unsigned hour = 0, minute = 0, second = 0, milli = 0;
  if (!take(rest, 2, ':', 0, 24, hour) || !take(rest, 2, ':', 0, 60, minute) || !take(rest, 2, '.', 0, 60, second) ||
      !take(rest, 3, 'Z', 0, 1'000, milli)) {
    return false;
  }
  ms = ((std::uint64_t{hour} * 60 + minute) * 60 + second) * 1'000 + milli;
  return true;
}

}  // namespace

void format(const Stamp& stamp, char* to) {
  const Date date = date_of(static_cast<unsigned>(stamp.wall_ms() / kDayMs));
  const std::uint64_t ms = stamp.wall_ms() % kDayMs;
  to = put(std::min(date.year, kYearLast), 10, 4, '-', to);
  to = put(date.month, 10, 2, '-', to);
  to = put(date.day, 10, 2, 'T', to);
  to = put(ms / 3'600'000, 10, 2, ':', to);
  to = put(ms / 60'000 % 60, 10, 2, ':', to);
  to = put(ms / 1'000 % 60, 10, 2, '.', to);
  to = put(ms % 1'000, 10, 3, 'Z', to);
  *to++ = '.';
  to = put(stamp.counter(), 16, 4, '.', to);
  put(stamp.node, 16, 16, 0, to);
}

Result<Stamp> parse_stamp(std::string_view text) {
  Date date{};
  std::uint64_t ms = 0, counter = 0, node = 0;
  if (!take_date(text, date) || !take_time(text, ms)) return Status::invalid;
  if (text.empty() || text.front() != '.') return Status::invalid;
  text.remove_prefix(1);
  if (!take(text, 16, 4, '.', counter) || !take(text, 16, 16, 0, node) || !text.empty()) return Status::invalid;
  return Stamp::of(days_since_epoch(date) * kDayMs + ms, static_cast<std::uint16_t>(counter), node);
}

}  // namespace grid::crdt
