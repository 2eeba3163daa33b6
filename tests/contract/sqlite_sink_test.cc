// SPDX-License-Identifier: Apache-2.0
//
// The sink contract on SQLite, and what else can be in its file or in its way.

#include "storage/sqlite/sqlite_sink.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <vector>

#include "tests/check.h"
#include "tests/contract/sink_contract.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using storage::SinkRow;
using storage::SqliteSink;

class SqliteDisk final : public SinkDisk {
 public:
  storage::Sink& open() override {
    sink_.reset();
    Status status = Status::ok;
    std::string problem;
    sink_ = SqliteSink::open(directory_.path() + "/data/app.db", status, problem);
    assert_string_equal(problem.c_str(), "");
    return *sink_;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<SqliteSink> sink_;
};

std::unique_ptr<SinkDisk> make_disk() { return std::make_unique<SqliteDisk>(); }

struct Fixture {
  TemporaryDirectory directory;
  std::string file = directory.path() + "/app.db";
  std::unique_ptr<SqliteSink> sink;
  Status status = Status::ok;
  std::string problem;
  sqlite3* other = nullptr;  // A second connection to the same file.

  void open() { sink = SqliteSink::open(file, status, problem); }
  void run(const char* sql) {
    if (other == nullptr) assert_int_equal(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~Fixture() { sqlite3_close(other); }
};

int make_fixture(void** state) {
  *state = new Fixture;
  return 0;
}

int drop_fixture(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

SinkRow row_of(std::string_view key, std::string_view value) {
  return {{{"map", key}, crdt::Stamp::of(1'700'000'000'000, 7, 0x1f), 0, as_bytes(value)}, 1, value};
}

int count_of(SqliteSink& sink) {
  int count = 0;
  const auto take = [](const SinkRow&, void* context) {
    ++*static_cast<int*>(context);
    return Status::ok;
  };
  assert_ok(sink.load(take, &count));
  return count;
}

void assert_mentions(const std::string& text, const char* part) {
  if (text.find(part) == std::string::npos) assert_string_equal(text.c_str(), part);
}

void a_file_that_is_no_database_is_corrupt(void** state) {
  Fixture& fixture = fixture_of(state);
  std::ofstream(fixture.file) << std::string(5'000, 'x');
  fixture.open();
  assert_null(fixture.sink.get());
  assert_status(fixture.status, Status::corrupt);
  assert_mentions(fixture.problem, fixture.file.c_str());
}

void a_database_of_something_else_is_refused_and_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.run("CREATE TABLE song (name TEXT)");
  fixture.open();
  assert_null(fixture.sink.get());
  assert_status(fixture.status, Status::invalid);
  assert_mentions(fixture.problem, "something else");
  fixture.run("INSERT INTO song VALUES ('la')");
}

void a_newer_format_is_refused_by_name(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open();
  assert_non_null(fixture.sink.get());
  fixture.sink.reset();
  fixture.run("PRAGMA user_version = 9");
  fixture.open();
  assert_null(fixture.sink.get());
  assert_status(fixture.status, Status::newer);
  assert_mentions(fixture.problem, "format 9");
  assert_mentions(fixture.problem, "up to 1");
}

void a_path_below_a_file_is_a_clear_error(void** state) {
  Fixture& fixture = fixture_of(state);
  std::ofstream(fixture.file) << "x";
  fixture.file += "/below.db";
  fixture.open();
  assert_null(fixture.sink.get());
  assert_status(fixture.status, Status::io);
  assert_mentions(fixture.problem, "below.db");
}

// SNK-2
void a_locked_database_is_busy_and_takes_the_drain_later(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open();
  fixture.run("BEGIN IMMEDIATE");
  const std::vector<SinkRow> rows = {row_of("a", "1")};
  assert_status(fixture.sink->drain(rows, {1, 1}), Status::busy);
  assert_int_equal(fixture.sink->drained()->through, 0);
  fixture.run("ROLLBACK");
  assert_ok(fixture.sink->drain(rows, {1, 1}));
  assert_int_equal(count_of(*fixture.sink), 1);
}

// SNK-2
void a_full_disk_takes_nothing_of_a_drain_and_all_of_it_later(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open();
  const std::string value(200'000, 'v');
  const std::vector<SinkRow> rows = {row_of("a", "small"), row_of("b", value), row_of("c", value)};
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{100'000, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const Status status = fixture.sink->drain(rows, {1, 3});
  setrlimit(RLIMIT_FSIZE, &before);
  assert_status(status, Status::full);
  assert_int_equal(fixture.sink->drained()->through, 0);
  assert_int_equal(count_of(*fixture.sink), 0);
  assert_ok(fixture.sink->drain(rows, {1, 3}));
  assert_int_equal(count_of(*fixture.sink), 3);
}

void rows_can_be_read_with_plain_sql(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open();
  const std::vector<SinkRow> rows = {row_of("a", "{\"temp\": 21.5}"), row_of("gone", "")};
  assert_ok(fixture.sink->drain(rows, {1, 1}));
  std::string seen;
  const auto take = [](void* context, int, char** columns, char**) {
    *static_cast<std::string*>(context) += std::string(columns[0]) + " " + columns[1] + " " + columns[2];
    return 0;
  };
  fixture.run("SELECT 1");
  sqlite3_exec(fixture.other, "SELECT key, json -> '$.temp', stamp_text FROM cell WHERE map = 'map' AND NOT tombstone",
               take, &seen, nullptr);
  assert_string_equal(seen.c_str(), "a 21.5 2023-11-14T22:13:20.000Z.0007.000000000000001f");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define sqlite_test(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
  const CMUnitTest tests[] = {
      sqlite_test(a_file_that_is_no_database_is_corrupt),
      sqlite_test(a_database_of_something_else_is_refused_and_left_alone),
      sqlite_test(a_newer_format_is_refused_by_name),
      sqlite_test(a_path_below_a_file_is_a_clear_error),
      sqlite_test(a_locked_database_is_busy_and_takes_the_drain_later),
      sqlite_test(a_full_disk_takes_nothing_of_a_drain_and_all_of_it_later),
      sqlite_test(rows_can_be_read_with_plain_sql),
  };
  return run_sink_contract("SQLite sink, contract", make_disk) +
         cmocka_run_group_tests_name("SQLite sink", tests, nullptr, nullptr);
}
