// SPDX-License-Identifier: Apache-2.0
//
// The lines of gridd's log, as a pipe takes them.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "server/host/log.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace {

using namespace grid;
using namespace grid::server;
using Level = Log::Level;

struct Pipe {
  int ends[2];

  Pipe() {
    assert_int_equal(::pipe(ends), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string read() const {
    std::string all(1 << 20, '\0');
    const ssize_t size = ::read(ends[0], all.data(), all.size());
    all.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return all;
  }
};

struct Bench {
  Pipe pipe;
  Log log{pipe.ends[1]};

  explicit Bench(const config::LogSettings& settings) { log.configure(settings); }
  // Without its time.
  std::string line() const {
    const std::string all = pipe.read();
    const std::size_t level = all.find("level=");
    return level == std::string::npos ? all : all.substr(level);
  }
};

void fields_are_quoted_where_they_must_be(void**) {
  Bench bench({});
  bench.log.say(Level::info, "link opened", {{"app", "farm"}, {"link", 7}, {"why", "a \"b\" = c\nd"}, {"none", ""}});
  assert_string_equal(bench.line().c_str(),
                      "level=info msg=\"link opened\" app=farm link=7 why=\"a \\\"b\\\" = c\\nd\" none=\"\"\n");
}

void a_line_of_json_is_json(void**) {
  Bench bench({.format = "json"});
  bench.log.say(Level::warning, "say \"x\"", {{"app", "a\"b"}, {"link", 7}});
  std::string canonical;
  json::JsonError error;
  const std::string line = bench.pipe.read();
  assert_ok(json::value_from_json(line, canonical, error));
  const crdt::Value record(as_bytes(canonical));
  assert_true(record["app"].text_or("") == "a\"b" && record["msg"].text_or("") == "say \"x\"");
  assert_true(record["level"].text_or("") == "warning" && record["link"].number_or(0) == 7);
}

void the_journal_gets_priorities_and_no_time(void**) {
  Bench bench({.format = "journal"});
  bench.log.say(Level::error, "lost", {{"app", "farm"}});
  assert_string_equal(bench.pipe.read().c_str(), "<3>msg=\"lost\" app=farm\n");
}

void less_than_the_level_is_not_said(void**) {
  Bench bench({.level = "warning"});
  bench.log.say(Level::info, "no", {});
  assert_false(bench.log.wants(Level::info));
  assert_string_equal(bench.line().c_str(), "");
  bench.log.configure({.level = "debug"});
  bench.log.say(Level::debug, "yes", {});
  assert_string_equal(bench.line().c_str(), "level=debug msg=\"yes\"\n");
}

void the_very_same_line_is_said_once(void**) {
  Bench bench({});
  for (int i = 0; i < 5; ++i) bench.log.say(Level::warning, "full", {{"app", "farm"}});
  bench.log.say(Level::warning, "full", {{"app", "shop"}});
  const std::string all = bench.pipe.read();
  assert_int_equal(std::count(all.begin(), all.end(), '\n'), 2);
  assert_true(all.ends_with("msg=\"full\" app=shop\n"));
}

void a_flood_of_one_message_is_cut_and_then_counted(void**) {
  Bench bench({});
  for (std::uint64_t i = 0; i < 1'000; ++i) bench.log.say(Level::warning, "refused", {{"link", i}});
  std::string all = bench.pipe.read();
  assert_int_equal(std::count(all.begin(), all.end(), '\n'), Log::kBurst);
  bench.log.configure({.repeat = {0}});
  bench.log.say(Level::warning, "refused", {{"link", 1'000}});
  assert_string_equal(bench.line().c_str(), "level=warning msg=\"refused\" link=1000 left_out=990\n");
}

void a_reader_that_is_stuck_does_not_stop_it(void**) {
  Bench bench({.repeat = {0}});
  const std::string large(4'000, 'x');
  for (int i = 0; i < 100; ++i) bench.log.say(Level::info, "large", {{"text", large}});
  bench.pipe.read();
  bench.log.say(Level::info, "after", {});
  const std::string line = bench.line();
  assert_true(line.starts_with("level=info msg=\"after\" dropped=") && line.ends_with("\n"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(fields_are_quoted_where_they_must_be),
      cmocka_unit_test(a_line_of_json_is_json),
      cmocka_unit_test(the_journal_gets_priorities_and_no_time),
      cmocka_unit_test(less_than_the_level_is_not_said),
      cmocka_unit_test(the_very_same_line_is_said_once),
      cmocka_unit_test(a_flood_of_one_message_is_cut_and_then_counted),
      cmocka_unit_test(a_reader_that_is_stuck_does_not_stop_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
