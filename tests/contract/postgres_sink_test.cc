// SPDX-License-Identifier: Apache-2.0
//
// The sink contract on a Postgres server, and the weather that such a server brings.

#include "storage/postgres/postgres_sink.h"

#include <libpq-fe.h>

#include <optional>
#include <thread>

#include "tests/check.h"
#include "tests/contract/postgres_server.h"
#include "tests/contract/sink_contract.h"

namespace grid::test {
namespace {

using storage::PostgresSink;
using storage::SinkMark;
using storage::SinkRow;

PostgresServer* server = nullptr;

int schema_count = 0;

PostgresSink::Options options_of(const std::string& schema) {
  return {.url = server->url(), .app = "app", .schema = schema, .connect_ms = 20'000, .statement_ms = 20'000};
}

class PostgresDisk final : public SinkDisk {
 public:
  storage::Sink& open() override {
    sink_.reset();
    Status status = Status::ok;
    std::string problem;
    // The session before may take a moment to end.
    do sink_ = PostgresSink::open(options_of(schema_), status, problem);
    while (status == Status::busy && problem.find("another writer") != std::string::npos);
    if (status != Status::ok) assert_string_equal(problem.c_str(), "");
    return *sink_;
  }

 private:
  const std::string schema_ = "grid_" + std::to_string(++schema_count);
  std::unique_ptr<PostgresSink> sink_;
};

std::unique_ptr<SinkDisk> make_disk() { return std::make_unique<PostgresDisk>(); }

struct Fixture {
  std::string schema = "Shop \"" + std::to_string(++schema_count);
  PostgresSink::Options options = options_of(schema);
  std::unique_ptr<PostgresSink> sink;
  Status status = Status::ok;
  std::string problem;
  PGconn* other = nullptr;  // A second session.

  bool open() {
    do sink = PostgresSink::open(options, status, problem);
    while (status == Status::busy && problem.find("just ended") != std::string::npos);
    return sink != nullptr;
  }
  // Without the session before, which the server may take a moment to end: until then it is another writer.
  bool open_again() {
    sink.reset();
    while (open() && status == Status::busy && problem.find("another writer") != std::string::npos) sink.reset();
    return sink != nullptr;
  }
  std::string run(const std::string& sql) {
    if (other == nullptr || PQstatus(other) == CONNECTION_BAD) {
      PQfinish(other);
      other = PQconnectdb(server->url().c_str());
    }
    PGresult* const result = PQexec(other, sql.c_str());
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
      fail_msg("%s: %s", sql.c_str(), PQerrorMessage(other));
    std::string text;
    for (int row = 0; row < PQntuples(result); ++row) {
      for (int column = 0; column < PQnfields(result); ++column)
        text += std::string(row + column == 0 ? "" : " ") + PQgetvalue(result, row, column);
    }
    PQclear(result);
    return text;
  }
  // `@` is the schema.
  std::string in(std::string sql) {
    for (std::size_t at = sql.find('@'); at != std::string::npos; at = sql.find('@'))
      sql.replace(at, 1, "\"" + std::string(schema).replace(5, 1, "\"\"") + "\"");
    return sql;
  }
  std::string query(const std::string& sql) { return run(in(sql)); }
  // Until the weather has passed.
  Status drain_at_last(const std::vector<SinkRow>& rows, const SinkMark& mark) {
    Status drained = Status::busy;
    for (int i = 0; i < 600 && drained != Status::ok; ++i) {
      drained = sink->drain(rows, mark);
      if (drained == Status::conflict) (void)sink->drained().ok();
      if (drained != Status::ok) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return drained;
  }
  ~Fixture() { PQfinish(other); }
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

SinkRow row_of(std::string_view key, std::string_view json, crdt::Seq arrival = 1,
               std::uint64_t ms = 1'700'000'000'000) {
  return {{{"map", key}, crdt::Stamp::of(ms, 7, 0x1f), 0, as_bytes(json)}, arrival, json};
}

void assert_mentions(const std::string& text, const char* part) {
  if (text.find(part) == std::string::npos) assert_string_equal(text.c_str(), part);
}

void a_url_that_is_none_is_refused_without_being_told(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.url = "postgres://me:s3cret@host:port/?what=1";
  assert_false(fixture.open());
  assert_status(fixture.status, Status::invalid);
  assert_mentions(fixture.problem, "url");
  assert_true(fixture.problem.find("s3cret") == std::string::npos);
}

void a_name_that_would_be_cut_is_refused(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.schema = std::string(64, 's');
  assert_false(fixture.open());
  assert_status(fixture.status, Status::invalid);
  assert_mentions(fixture.problem, "64 bytes");
}

void a_schema_of_something_else_is_refused_and_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.query("CREATE SCHEMA @; CREATE TABLE @.song (name text)");
  assert_false(fixture.open());
  assert_status(fixture.status, Status::invalid);
  assert_mentions(fixture.problem, "something else");
  assert_string_equal(fixture.query("SELECT count(*) FROM pg_class WHERE relnamespace = '@'::regnamespace").c_str(),
                      "1");
}

void a_schema_of_another_app_is_refused(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.options.app = "other";
  assert_false(fixture.open_again());
  assert_status(fixture.status, Status::invalid);
  assert_mentions(fixture.problem, "belongs to app app");
}

void a_newer_format_is_refused_by_name(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query("UPDATE @.meta SET format = 9");
  assert_false(fixture.open_again());
  assert_status(fixture.status, Status::newer);
  assert_mentions(fixture.problem, "format 9");
  assert_mentions(fixture.problem, "up to 1");
}

// PROTOCOL P27
void a_second_writer_waits_and_is_told_who_writes(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  const std::string pid = fixture.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'gridd app'");
  Status status = Status::ok;
  std::string problem;
  const auto second = PostgresSink::open(fixture.options, status, problem);
  assert_non_null(second.get());
  assert_status(status, Status::busy);
  assert_mentions(problem, "another writer");
  assert_mentions(problem, ("process " + pid).c_str());
  assert_mentions(problem, "application gridd app from");
  assert_status(second->drain({}, {1, 5}), Status::busy);
  assert_string_equal(fixture.query("SELECT through FROM @.mark").c_str(), "0");
  assert_ok(fixture.sink->drain({}, {1, 3}));
  fixture.sink.reset();
  // It has never been told where the database stands.
  while (second->drain({}, {1, 5}) == Status::busy) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  assert_status(second->drain({}, {1, 5}), Status::conflict);
  assert_int_equal(second->drained()->through, 3);
  assert_ok(second->drain({}, {1, 5}));
}

// SNK-2
void what_a_lost_session_left_open_is_drained_again(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}));
  fixture.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridd app'");
  assert_status(fixture.sink->drain(std::vector{row_of("b", "2", 2)}, {1, 2}), Status::busy);
  assert_ok(fixture.drain_at_last({row_of("b", "2", 2)}, {1, 2}));
  assert_string_equal(fixture.query("SELECT key, value FROM @.live ORDER BY key").c_str(), "a 1 b 2");
}

// SNK-2
void a_server_that_is_killed_and_comes_back_lacks_nothing(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}));
  server->kill();
  assert_status(fixture.sink->drain(std::vector{row_of("b", "2", 2)}, {1, 2}), Status::busy);
  assert_status(fixture.sink->drain(std::vector{row_of("b", "2", 2)}, {1, 2}), Status::busy);
  assert_mentions(fixture.sink->problem(), server->directory().c_str());
  server->start();
  assert_ok(fixture.drain_at_last({row_of("b", "2", 2)}, {1, 2}));
  assert_string_equal(fixture.query("SELECT key, value FROM @.live ORDER BY key").c_str(), "a 1 b 2");
}

void a_server_that_is_not_there_is_waited_for(void** state) {
  Fixture& fixture = fixture_of(state);
  server->stop();
  assert_true(fixture.open());
  assert_status(fixture.status, Status::busy);
  assert_mentions(fixture.problem, "can't connect");
  assert_status(fixture.sink->drained().status(), Status::busy);
  server->start();
  assert_status(fixture.drain_at_last({row_of("a", "1")}, {1, 1}), Status::ok);
  assert_string_equal(fixture.query("SELECT through FROM @.mark").c_str(), "1");
}

// Nothing waits without bound: neither for a server that stands still, nor when the gateway stops.
void a_server_that_stands_still_is_left(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.statement_ms = 300;
  assert_true(fixture.open());
  server->freeze();
  assert_status(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}), Status::busy);
  assert_mentions(fixture.sink->problem(), "does not answer");
  std::thread stopper([&fixture] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    fixture.sink->interrupt();
  });
  // Its patience is twenty seconds here.
  assert_status(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}), Status::busy);
  assert_mentions(fixture.sink->problem(), "is stopping");
  stopper.join();
  server->thaw();
}

// What stood still may wake up with the lock: it is ended.
void a_session_of_ours_that_lives_on_gives_way(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.statement_ms = 300;
  assert_true(fixture.open());
  server->freeze();
  assert_status(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}), Status::busy);
  server->thaw();
  assert_ok(fixture.drain_at_last({row_of("a", "1")}, {1, 1}));
  assert_string_equal(fixture.query("SELECT key, value FROM @.live").c_str(), "a 1");
}

void a_server_that_can_only_be_read_is_waited_for(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.run("ALTER DATABASE postgres SET default_transaction_read_only = on");
  fixture.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridd app'");
  assert_status(fixture.sink->drain({}, {1, 1}), Status::busy);
  assert_status(fixture.sink->drain({}, {1, 1}), Status::busy);
  assert_mentions(fixture.sink->problem(), "read-only");
  fixture.run("SET transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only");
  assert_ok(fixture.drain_at_last({}, {1, 1}));
}

// As a standby that a session finds itself on.
void a_session_that_may_write_no_more_is_given_up(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query(
      "CREATE FUNCTION @.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no more' USING "
      "ERRCODE = '25006'; END $$; CREATE TRIGGER refuse BEFORE UPDATE ON @.mark EXECUTE FUNCTION @.refuse()");
  assert_status(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}), Status::busy);
  assert_mentions(fixture.sink->problem(), "25006");
  fixture.query("DROP TRIGGER refuse ON @.mark");
  assert_ok(fixture.drain_at_last({row_of("a", "1")}, {1, 1}));
}

// SNK-2
void a_full_disk_takes_nothing_of_a_drain_and_all_of_it_later(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query(
      "CREATE FUNCTION @.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space' USING "
      "ERRCODE = '53100'; END $$; CREATE TRIGGER refuse BEFORE UPDATE ON @.mark EXECUTE FUNCTION @.refuse()");
  assert_status(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}), Status::full);
  assert_string_equal(fixture.query("SELECT count(*) FROM @.cell").c_str(), "0");
  fixture.query("DROP TRIGGER refuse ON @.mark");
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 1}));
}

void a_right_that_is_missing_is_named_and_waited_for(void** state) {
  Fixture& fixture = fixture_of(state);
  const std::string role = "writer_" + std::to_string(schema_count);
  fixture.run("CREATE ROLE " + role + " LOGIN");
  fixture.options.url = "postgresql://" + role + "@/postgres?host=" + server->directory();
  assert_true(fixture.open());
  assert_status(fixture.status, Status::busy);
  assert_mentions(fixture.problem, "permission denied");
  assert_mentions(fixture.problem, "42501");
  fixture.query("CREATE SCHEMA @ AUTHORIZATION " + role);
  assert_ok(fixture.drain_at_last({row_of("a", "1")}, {1, 1}));
}

void a_database_that_was_set_back_is_told_of(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 5}));
  fixture.query("UPDATE @.mark SET through = 3");
  fixture.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridd app'");
  Status status = Status::busy;
  while (status == Status::busy) status = fixture.sink->drain({}, {1, 6});
  assert_status(status, Status::conflict);
  assert_int_equal(fixture.sink->drained()->through, 3);
  assert_ok(fixture.sink->drain({}, {1, 6}));
}

void a_schema_that_was_dropped_is_made_anew_and_told_of(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1")}, {1, 5}));
  fixture.query("DROP SCHEMA @ CASCADE");
  assert_status(fixture.sink->drain(std::vector{row_of("b", "2", 6)}, {1, 6}), Status::busy);
  Status status = Status::busy;
  while (status == Status::busy) status = fixture.sink->drain({}, {1, 6});
  assert_status(status, Status::conflict);
  assert_true(*fixture.sink->drained() == SinkMark{});
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1"), row_of("b", "2", 6)}, {1, 6}));
  assert_string_equal(fixture.query("SELECT key FROM @.live ORDER BY key").c_str(), "a b");
}

// SNK-3
void a_row_that_the_database_refuses_lies_beside_the_others_with_the_reason(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query("ALTER TABLE @.cell ADD CONSTRAINT warm CHECK (json->>'temp' IS NULL OR (json->>'temp')::int > 0)");
  std::vector<SinkRow> rows;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("k" + std::to_string(i));
  for (const std::string& key : keys) {
    rows.push_back(row_of(key, key == "k17" || key == "k99" ? "{\"temp\":-1}" : "{\"temp\":1}", rows.size() + 1));
  }
  // Without its JSON it would be one that nobody can read: a refusal of the row itself.
  fixture.query("ALTER TABLE @.cell ADD CONSTRAINT readable CHECK (tombstone OR json IS NOT NULL)");
  assert_ok(fixture.sink->drain(rows, {1, 100}));
  assert_int_equal(fixture.sink->dead_letters(), 2);
  assert_string_equal(fixture.query("SELECT count(*) FROM @.cell").c_str(), "98");
  assert_string_equal(fixture.query("SELECT key, sqlstate FROM @.dead_letter ORDER BY key").c_str(),
                      "k17 23514 k99 23514");
  assert_mentions(fixture.query("SELECT reason FROM @.dead_letter WHERE key = 'k17'"), "readable");
  // PROTOCOL P27: loading includes them.
  int count = 0;
  const auto take = [](const SinkRow&, void* context) {
    ++*static_cast<int*>(context);
    return Status::ok;
  };
  assert_ok(fixture.sink->load(take, &count));
  assert_int_equal(count, 100);
  // Whoever writes the row anew settles it; and so does its collection.
  const SinkMark after{1, 102, 99, 0, {}};
  assert_ok(fixture.sink->drain(std::vector{row_of("k17", "{\"temp\":3}", 101, 1'800'000'000'000)}, {1, 101}));
  assert_int_equal(fixture.sink->dead_letters(), 1);
  SinkRow removed = row_of("k99", "", 102, 1'800'000'000'000);
  assert_ok(fixture.sink->drain(std::vector{removed}, after));
  assert_int_equal(fixture.sink->dead_letters(), 0);
}

void a_dead_row_that_somebody_holds_on_to_stays_and_holds_up_nothing(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1", 1, 10)}, {1, 1}));
  fixture.query("CREATE TABLE @.note (map text, key text, sub bytea, FOREIGN KEY (map, key, sub) REFERENCES @.cell)");
  fixture.query("INSERT INTO @.note SELECT map, key, sub FROM @.cell");
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "", 2, 20)}, {1, 2}));
  assert_ok(fixture.sink->drain(std::vector{row_of("b", "1", 3, 30)}, {1, 3, 2, 0, {}}));
  assert_int_equal(fixture.sink->dead_letters(), 0);
  assert_string_equal(fixture.query("SELECT key, tombstone FROM @.cell ORDER BY key").c_str(), "a t b f");
  fixture.query("DROP TABLE @.note");
  assert_ok(fixture.sink->drain({}, {1, 4, 2, 0, {}}));
  assert_string_equal(fixture.query("SELECT key FROM @.cell").c_str(), "b");
}

// SNK-3, PROTOCOL P27
void a_deletion_that_was_refused_is_known_for_as_long_as_its_row_stands(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query("ALTER TABLE @.cell ADD CONSTRAINT kept CHECK (NOT tombstone)");
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1", 1, 10)}, {1, 1}));
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "", 2, 20)}, {1, 2}));
  assert_ok(fixture.sink->drain({}, {1, 3, 2, 0, {}}));
  assert_int_equal(fixture.sink->dead_letters(), 1);
  fixture.query("DELETE FROM @.cell");
  assert_ok(fixture.sink->drain({}, {1, 4, 2, 0, {}}));
  assert_int_equal(fixture.sink->dead_letters(), 0);
}

// SNK-1
void a_letter_that_is_older_than_the_one_there_changes_nothing(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  fixture.query("ALTER TABLE @.cell ADD CONSTRAINT none CHECK (false)");
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "2", 2, 20)}, {1, 2}));
  assert_ok(fixture.sink->drain(std::vector{row_of("a", "1", 1, 10)}, {1, 2}));
  assert_string_equal(fixture.query("SELECT arrival, convert_from(value, 'UTF8') FROM @.dead_letter").c_str(), "2 2");
}

// jsonb has no U+0000, and text must be UTF-8.
void a_value_that_jsonb_has_no_room_for_goes_in_without(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  assert_ok(fixture.sink->drain(
      std::vector{row_of("a", "{\"t\":\"\\u0000\"}"), row_of("b", "{\"t\":\"x\"}"), row_of("c", "\"\xff\"")}, {1, 1}));
  assert_int_equal(fixture.sink->dead_letters(), 0);
  assert_string_equal(fixture.query("SELECT key, json IS NULL FROM @.cell ORDER BY key").c_str(), "a t b f c t");
}

void people_read_live_rows_in_plain_sql(void** state) {
  Fixture& fixture = fixture_of(state);
  assert_true(fixture.open());
  SinkRow past = row_of("past", "1", 2), future = row_of("future", "2", 3), never = row_of("never", "3", 4),
          last = row_of("last", "4", 5);
  past.cell.expires_ms = 1'000;
  future.cell.expires_ms = 4'102'444'800'000;
  last.cell.expires_ms = 0xffff'ffff'ffff'ffff;
  SinkRow gone = row_of("gone", "", 6);
  assert_ok(fixture.sink->drain(std::vector{past, future, never, last, gone, row_of("a", "{\"t\":21.5}")}, {1, 6}));
  fixture.run("SET TIME ZONE 'UTC'");
  assert_string_equal(fixture.query("SELECT key, value->>'t' FROM @.live WHERE value->'t' IS NOT NULL").c_str(),
                      "a 21.5");
  assert_string_equal(fixture.query("SELECT key, expires FROM @.live WHERE expires IS NOT NULL ORDER BY key").c_str(),
                      "future 2100-01-01 00:00:00+00 last infinity");
  assert_string_equal(fixture.query("SELECT written, writer FROM @.live WHERE key = 'a'").c_str(),
                      "2023-11-14 22:13:20+00 000000000000001f");
  assert_string_equal(fixture.query("SELECT count(*) FROM @.live").c_str(), "4");
}

int start_server(void**) {
  server = new PostgresServer;
  server->start();
  return 0;
}

int stop_server(void**) {
  delete server;
  return 0;
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define with_fixture(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
  const CMUnitTest tests[] = {
      with_fixture(a_url_that_is_none_is_refused_without_being_told),
      with_fixture(a_name_that_would_be_cut_is_refused),
      with_fixture(a_schema_of_something_else_is_refused_and_left_alone),
      with_fixture(a_schema_of_another_app_is_refused),
      with_fixture(a_newer_format_is_refused_by_name),
      with_fixture(a_second_writer_waits_and_is_told_who_writes),
      with_fixture(what_a_lost_session_left_open_is_drained_again),
      with_fixture(a_server_that_is_killed_and_comes_back_lacks_nothing),
      with_fixture(a_server_that_is_not_there_is_waited_for),
      with_fixture(a_server_that_stands_still_is_left),
      with_fixture(a_session_of_ours_that_lives_on_gives_way),
      with_fixture(a_server_that_can_only_be_read_is_waited_for),
      with_fixture(a_session_that_may_write_no_more_is_given_up),
      with_fixture(a_full_disk_takes_nothing_of_a_drain_and_all_of_it_later),
      with_fixture(a_right_that_is_missing_is_named_and_waited_for),
      with_fixture(a_database_that_was_set_back_is_told_of),
      with_fixture(a_schema_that_was_dropped_is_made_anew_and_told_of),
      with_fixture(a_row_that_the_database_refuses_lies_beside_the_others_with_the_reason),
      with_fixture(a_dead_row_that_somebody_holds_on_to_stays_and_holds_up_nothing),
      with_fixture(a_deletion_that_was_refused_is_known_for_as_long_as_its_row_stands),
      with_fixture(a_letter_that_is_older_than_the_one_there_changes_nothing),
      with_fixture(a_value_that_jsonb_has_no_room_for_goes_in_without),
      with_fixture(people_read_live_rows_in_plain_sql),
  };
  start_server(nullptr);
  const int failed = run_sink_contract("postgres_sink_contract", make_disk) +
                     cmocka_run_group_tests_name("postgres_sink", tests, nullptr, nullptr);
  return stop_server(nullptr) + failed;
}
