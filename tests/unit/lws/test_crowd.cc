// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>

#include "tests/check.h"
#include "transport/lws/crowd.h"

namespace {

using namespace grid;
using namespace grid::transport;

SocketAddress address(const char* text) {
  SocketAddress parsed{};
  const bool is_ipv6 = std::string_view(text).find(':') != std::string_view::npos;
  parsed.any.sa_family = is_ipv6 ? AF_INET6 : AF_INET;
  void* to = is_ipv6 ? static_cast<void*>(&parsed.ipv6.sin6_addr) : &parsed.ipv4.sin_addr;
  assert_int_equal(inet_pton(parsed.any.sa_family, text, to), 1);
  return parsed;
}

Neighbourhood at(const char* text) { return neighbourhood_of(address(text)); }

void ipv6_counts_by_its_64_and_ipv4_by_itself(void**) {
  assert_true(at("2001:db8:1:2::1") == at("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  assert_true(at("2001:db8:1:2::1") != at("2001:db8:1:3::1"));
  assert_true(at("192.0.2.1") != at("192.0.2.2"));
  assert_true(at("192.0.2.1") == at("::ffff:192.0.2.1"));
  assert_true(at("0.0.0.1") != at("::1"));
}

void an_address_has_as_many_connections_as_it_may_have(void**) {
  Crowd crowd(2);
  assert_true(crowd.enter(at("192.0.2.1")));
  assert_true(crowd.enter(at("192.0.2.1")));
  assert_false(crowd.enter(at("192.0.2.1")));
  assert_true(crowd.enter(at("192.0.2.2")));
  assert_int_equal(crowd.count(at("192.0.2.1")), 2);
  crowd.leave(at("192.0.2.1"));
  assert_true(crowd.enter(at("192.0.2.1")));
}

void without_a_limit_all_come_in_and_leave_nothing(void**) {
  Crowd crowd;
  for (int i = 0; i < 100; ++i) assert_true(crowd.enter(at("192.0.2.1")));
  for (int i = 0; i < 100; ++i) crowd.leave(at("192.0.2.1"));
  crowd.leave(at("192.0.2.1"));
  assert_int_equal(crowd.count(at("192.0.2.1")), 0);
}

void a_bucket_lets_its_burst_through_and_then_its_rate(void**) {
  constexpr Rate kRate{.per_second = 10, .burst = 5};
  TokenBucket bucket(kRate, 1'000);
  std::uint64_t let = 0;
  for (std::uint64_t now_ms = 1'000; now_ms < 11'000; ++now_ms) {
    while (bucket.has_one(kRate, now_ms)) bucket.take(kRate, 1, now_ms), ++let;
    assert_true(let <= 5 + 10 * (now_ms - 1'000) / 1'000);
  }
  assert_int_equal(let, 5 + 99);
}

void a_large_piece_is_owed_and_waited_for(void**) {
  constexpr Rate kRate{.per_second = 1'000, .burst = 1'000};
  TokenBucket bucket(kRate, 0);
  bucket.take(kRate, 5'000, 0);
  assert_false(bucket.is_open(kRate, 3'999));
  assert_true(bucket.is_open(kRate, 4'000));
}

void a_bucket_outlives_clocks_that_stand_or_go_back_and_great_numbers(void**) {
  constexpr Rate kRate{.per_second = UINT32_MAX, .burst = UINT32_MAX};
  TokenBucket bucket(kRate, 5'000);
  bucket.take(kRate, UINT64_MAX, 4'000);
  assert_false(bucket.is_open(kRate, 3'000));
  assert_true(bucket.is_open(kRate, UINT64_MAX));
  assert_true(bucket.is_full(kRate, UINT64_MAX));
}

void who_fails_too_often_is_not_listened_to_for_a_while(void**) {
  FailureLimiter limiter({.per_second = 1, .burst = 3});
  for (int i = 0; i < 3; ++i) {
    assert_true(limiter.admits(at("192.0.2.1"), 0));
    limiter.failed(at("192.0.2.1"), 0);
  }
  assert_false(limiter.admits(at("192.0.2.1"), 999));
  assert_true(limiter.admits(at("192.0.2.2"), 999));
  assert_true(limiter.admits(at("192.0.2.1"), 1'000));
}

void failures_of_a_whole_internet_take_bounded_memory(void**) {
  FailureLimiter limiter({.per_second = 1, .burst = 3});
  for (Neighbourhood from = 0; from < 3 * FailureLimiter::kFailingMax; ++from) limiter.failed(from, 0);
  assert_int_equal(limiter.remembered(), FailureLimiter::kFailingMax);
  limiter.failed(Neighbourhood{1} << 50, 60'000);
  assert_int_equal(limiter.remembered(), 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(ipv6_counts_by_its_64_and_ipv4_by_itself),
                              cmocka_unit_test(an_address_has_as_many_connections_as_it_may_have),
                              cmocka_unit_test(without_a_limit_all_come_in_and_leave_nothing),
                              cmocka_unit_test(a_bucket_lets_its_burst_through_and_then_its_rate),
                              cmocka_unit_test(a_large_piece_is_owed_and_waited_for),
                              cmocka_unit_test(a_bucket_outlives_clocks_that_stand_or_go_back_and_great_numbers),
                              cmocka_unit_test(who_fails_too_often_is_not_listened_to_for_a_while),
                              cmocka_unit_test(failures_of_a_whole_internet_take_bounded_memory)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
