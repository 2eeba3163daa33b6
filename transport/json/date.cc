// SPDX-License-Identifier: Apache-2.0
#include "transport/json/date.h"

#include <chrono>

namespace grid::json {

namespace {

namespace chrono = std::chrono;

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kFirstMs = -62'167'219'200'000;  // 0000-01-01T00:00:00.000Z
constexpr std::int64_t kLastMs = 253'402'300'799'999;   // 9999-12-31T23:59:59.999Z

void append_digits(std::string& out, std::int64_t number, std::size_t digits) {
  out.resize(out.size() + digits);
  for (std::size_t i = 0; i < digits; ++i, number /= 10) out[out.size() - 1 - i] = static_cast<char>('0' + number % 10);
}

// Eats text from its front; what is not as asked makes it fail for good.
class Eater {
 public:
  explicit Eater(std::string_view text) : rest_(text) {}

  // The character eaten, one of `choice`.
  char one_of(std::string_view choice) {
    ok_ = ok_ && !rest_.empty() && choice.find(rest_.front()) != std::string_view::npos;
    if (!ok_) return choice.front();
    const char eaten = rest_.front();
    rest_.remove_prefix(1);
    return eaten;
  }
  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) number = 10 * number + (one_of("0123456789") - '0');
    return number;
  }
  bool begins(std::string_view choice) const {
    return ok_ && !rest_.empty() && choice.find(rest_.front()) != std::string_view::npos;
  }
  void refuse_unless(bool holds) { ok_ = ok_ && holds; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::int64_t eat_day(Eater& eater) {
  const chrono::year year(eater.digits(4));
  eater.one_of("-");
  const chrono::month month(static_cast<unsigned>(eater.digits(2)));
  eater.one_of("-");
  const chrono::year_month_day date(year, month, chrono::day(static_cast<unsigned>(eater.digits(2))));
  eater.refuse_unless(date.ok());
  return date.ok() ? chrono::sys_days(date).time_since_epoch().count() : 0;
}

int eat_two(Eater& eater, int below) {
  const int number = eater.digits(2);
  eater.refuse_unless(number < below);
  return number;
}

int eat_fraction(Eater& eater) {
  if (!eater.begins(".")) return 0;
  eater.one_of(".");
  int ms = 0;
  int weight = 100;
  do {
    const int digit = eater.digits(1);
    eater.refuse_unless(weight > 0 || digit == 0);
    ms += digit * weight;
    weight /= 10;
  } while (eater.begins("0123456789"));
  return ms;
}

std::int64_t eat_time(Eater& eater) {
  const int hours = eat_two(eater, 24);
  eater.one_of(":");
  const int minutes = eat_two(eater, 60);
  eater.one_of(":");
  const int seconds = eat_two(eater, 60);
  return ((hours * 60 + minutes) * 60 + seconds) * std::int64_t{1'000} + eat_fraction(eater);
}

std::int64_t eat_offset(Eater& eater) {
  const char sign = eater.one_of("Z+-");
  if (sign == 'Z') return 0;
  const int hours = eat_two(eater, 24);
  eater.one_of(":");
  const std::int64_t ms = (hours * 60 + eat_two(eater, 60)) * std::int64_t{60'000};
  return sign == '+' ? ms : -ms;
}

}  // namespace

bool has_date(std::int64_t ms) { return ms >= kFirstMs && ms <= kLastMs; }

void append_date(std::string& out, std::int64_t ms) {
  const std::int64_t day = (ms - kFirstMs) / kDayMs + kFirstMs / kDayMs;
  const std::int64_t time = ms - day * kDayMs;
  const chrono::year_month_day date{chrono::sys_days{chrono::days{day}}};
  append_digits(out, int{date.year()}, 4);
  append_digits(out += '-', unsigned{date.month()}, 2);
  append_digits(out += '-', unsigned{date.day()}, 2);
  append_digits(out += 'T', time / 3'600'000, 2);
  append_digits(out += ':', time / 60'000 % 60, 2);
  append_digits(out += ':', time / 1'000 % 60, 2);
  append_digits(out += '.', time % 1'000, 3);
  out += 'Z';
}

bool parse_date(std::string_view text, std::int64_t& ms) {
  Eater eater(text);
  const std::int64_t day = eat_day(eater);
  eater.one_of("T");
  const std::int64_t time = eat_time(eater);
  ms = day * kDayMs + time - eat_offset(eater);
  return eater.done();
}

}  // namespace grid::json
