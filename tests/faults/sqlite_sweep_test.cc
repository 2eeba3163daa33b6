// SPDX-License-Identifier: Apache-2.0
//
// SqliteSink under a scripted run of drains, with the power cut after every call that changes a file, and with every
// such call failing once. SQLite's own VFS runs; what it asks of the system is what fails.

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "storage/sqlite/sqlite_sink.h"
#include "tests/contract/search_check.h"
#include "tests/contract/temporary_directory.h"
#include "tests/faults/sweep.h"

namespace grid::test {
namespace {

using crdt::Seq;
using crdt::Stamp;
using storage::SinkRow;
using storage::SqliteSink;

constexpr int kReopenEvery = 4;  // Drains: closing moves the log into the file.
constexpr int kKeys = 12;

// What the table holds: the newest version of each key.
struct Table {
  struct Row {
    std::uint64_t ms = 0;
    Seq arrival = 0;
    std::string value;
  };

  std::map<std::string, Row> rows;
  Seq through = 0;

  void drain(const std::map<std::string, Row>& batch, Seq drained) {
    for (const auto& [key, row] : batch) {
      Row& old = rows[key];
      if (std::pair(row.ms, row.value) > std::pair(old.ms, old.value)) old = row;
    }
    through = drained;
  }

  std::string text() const {
    std::map<Seq, std::string> sorted;
    for (const auto& [key, row] : rows) {
      sorted[row.arrival] = std::to_string(row.arrival) + ":" + key + "=" + row.value + "@" + std::to_string(row.ms);
    }
    std::string text = std::to_string(through);
    for (const auto& [arrival, row] : sorted) text += " " + row;
    return text;
  }
};

std::string text_of(SqliteSink& sink) {
  const Result<storage::SinkMark> mark = sink.drained();
  std::string text = mark.ok() ? std::to_string(mark->through) : sink.problem();
  const auto take = [](const SinkRow& row, void* context) {
    *static_cast<std::string*>(context) += " " + std::to_string(row.arrival) + ":" + std::string(row.cell.name.key) +
                                           "=" + std::string(as_text(row.cell.value)) + "@" +
                                           std::to_string(row.cell.stamp.wall_ms());
    return Status::ok;
  };
  return sink.load(take, &text) == Status::ok ? text : sink.problem();
}

Status drain_into(SqliteSink& sink, const std::map<std::string, Table::Row>& batch, Seq through) {
  std::vector<SinkRow> rows;
  for (const auto& [key, row] : batch) {
    rows.push_back({{{"map", key}, Stamp::of(row.ms, 0, 1), 0, as_bytes(row.value)}, row.arrival, "{}"});
  }
  return sink.drain(rows, {1, through});
}

struct Run {
  explicit Run(std::uint64_t seed) : dice(seed) { platter.on_change(&look, this); }

  static void look(void* run) { static_cast<Run*>(run)->look_at_cuts(); }
  void look_at_cuts();
  void judge_cut(Platter::Loss loss);
  std::string what_is_wrong_in(const std::string& folder);
  bool may_hold(const std::string& text) const;
  void open();
  void play(int drains);
  void drain();
  void meet_failure();
  void fill_log();

  TemporaryDirectory folder;
  Platter platter{folder.path()};
  std::mt19937_64 dice;
  std::unique_ptr<SqliteSink> sink;
  Table table;
  std::vector<std::string> texts{table.text()};  // The first is durable; a second one may be.
  bool looks = true;
  bool is_over = false;
  std::uint64_t cuts = 0, images = 0;
  std::string wrong;
};

// Whether the runs that follow have a search beside their rows.
bool is_searched = false;

std::unique_ptr<SqliteSink> open_sink(const std::string& folder, Status& status, std::string& problem) {
  return SqliteSink::open(folder + "/cells.sqlite", status, problem,
                          is_searched ? searching({"0"}) : storage::SearchConfig{});
}

// SRC-1
std::string what_is_wrong_with_search(SqliteSink& sink, const std::string& folder) {
  while (is_searched && sink.has_search_work()) {
    if (sink.work_on_search() != Status::ok) return sink.problem();
  }
  return is_searched ? trouble_with_index(folder + "/cells.sqlite", searching({"0"})) : "";
}

bool Run::may_hold(const std::string& text) const { return std::find(texts.begin(), texts.end(), text) != texts.end(); }

void Run::look_at_cuts() {
  // SQLite does not heed a directory that failed to sync: the name of its log may go, and gridd drains it all again.
  if (!looks || !wrong.empty() || platter.failed_directory()) return;
  ++cuts;
  judge_cut(Platter::Loss::everything);
  judge_cut(Platter::Loss::nothing);
  for (int i = 0; i < sweep_losses(); ++i) judge_cut(Platter::Loss::some);
}

void Run::judge_cut(Platter::Loss loss) {
  TemporaryDirectory image;
  platter.cut(image.path(), loss, dice);
  ++images;
  const std::string found = what_is_wrong_in(image.path());
  if (!found.empty()) wrong = "cut after call " + std::to_string(platter.calls()) + ": " + found;
}

std::string Run::what_is_wrong_in(const std::string& at) {
  Status status = Status::ok;
  std::string problem;
  const std::unique_ptr<SqliteSink> found = open_sink(at, status, problem);
  if (found == nullptr) return problem;
  const std::string text = text_of(*found);
  if (!may_hold(text)) return "neither committed nor under way: " + text;
  const std::string trouble = what_is_wrong_with_search(*found, at);
  if (!trouble.empty()) return trouble;
  const Seq later = table.through + 1'000;
  if (drain_into(*found, {{"later", {1, later, "v"}}}, later) != Status::ok) return found->problem();
  return found->drained()->through == later ? "" : "goes on wrongly";
}

void Run::open() {
  Status status = Status::ok;
  std::string problem;
  sink = open_sink(folder.path(), status, problem);
  if (sink != nullptr) return;
  assert_true(platter.has_failed());
  if (status != Status::io && status != Status::full) fail_msg("%s: %s", name_of(status), problem.c_str());
  platter.make_room();
  sink = open_sink(folder.path(), status, problem);
  if (sink == nullptr) fail_msg("after a failed opening: %s", problem.c_str());
}

void Run::play(int drains) {
  open();
  for (int i = 1; i <= drains && !is_over; ++i) {
    drain();
    if (is_over || i % kReopenEvery != 0) continue;
    sink.reset();
    platter.make_room();
    open();
    assert_string_equal(text_of(*sink).c_str(), table.text().c_str());
  }
  if (is_over) return;
  looks = true;
  sink.reset();
  look_at_cuts();
}

void Run::drain() {
  std::map<std::string, Table::Row> batch;
  Seq arrival = table.through;
  for (std::uint64_t left = 1 + dice() % 4; left > 0; --left) {
    batch["key" + std::to_string(dice() % kKeys)] = {1 + dice() % 1'000, ++arrival,
                                                     std::string(1 + dice() % 3'000, 'v')};
  }
  const Table before = table;
  table.drain(batch, arrival);
  texts.push_back(table.text());
  Status status = drain_into(*sink, batch, arrival);
  if (status == Status::full) {
    assert_true(platter.is_full());
    assert_string_equal(text_of(*sink).c_str(), before.text().c_str());
    platter.make_room();
    status = drain_into(*sink, batch, arrival);
  }
  if (status != Status::ok) {
    assert_status(status, Status::io);
    return meet_failure();
  }
  texts.erase(texts.begin());
}

// A sync that failed is the end, until the file is opened again.
void Run::meet_failure() {
  assert_true(platter.has_failed());
  assert_true(std::string(sink->problem()).starts_with(folder.path()));
  for (int i = 0; i < 3; ++i) assert_status(sink->drain({}, {1, table.through}), Status::io);
  assert_non_null(strstr(sink->problem(), "open it again"));
  is_over = true;
  looks = true;
  look_at_cuts();
  looks = false;  // What follows is not this script's.
  platter.make_room();
  sink.reset();
  const std::string found = what_is_wrong_in(folder.path());
  if (wrong.empty() && !found.empty()) wrong = "opened again: " + found;
}

// Enough rows for a checkpoint, which is the last thing that their drain does.
void Run::fill_log() {
  open();
  const std::string value(1'000'000, 'v');
  for (Seq key = 1; key <= 5; ++key) {
    table.drain({{std::to_string(key), {1, key, value}}}, key);
    if (drain_into(*sink, {{std::to_string(key), {1, key, value}}}, key) != Status::ok) return meet_failure();
    texts = {table.text()};
  }
}

// ---- the sweeps

using Runs = Sweep<Run>;

// SNK-2
void a_power_cut_after_any_write_leaves_whole_drains_and_all_that_were_committed(void** state) {
  Runs::of(state).cut_everywhere(sweep_steps() / 4);
}

// SNK-2
void any_write_or_sync_that_fails_ends_the_sink_and_costs_nothing_committed(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps() / 10, Platter::Failure::io);
}

// SNK-2
void a_disk_that_fills_up_at_any_write_costs_nothing(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps() / 10, Platter::Failure::no_space);
}

// SNK-2
void a_disk_that_fills_up_in_the_middle_of_any_write_costs_nothing(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps() / 10, Platter::Failure::torn);
}

// SRC-1
void a_power_cut_after_any_write_leaves_rows_and_index_together(void** state) {
  is_searched = true;
  Runs::of(state).cut_everywhere(sweep_steps() / 10);
  is_searched = false;
}

// SRC-1
void a_disk_that_fills_up_at_any_write_leaves_rows_and_index_together(void** state) {
  is_searched = true;
  Runs::of(state).fail_everywhere(sweep_steps() / 20, Platter::Failure::no_space);
  is_searched = false;
}

// SQLite itself would say nothing of it.
void a_checkpoint_that_fails_ends_the_sink_and_costs_nothing_committed(void** state) {
  Runs& runs = Runs::of(state);
  Run* run = &runs.start(1);
  run->looks = false;
  run->fill_log();
  assert_false(run->is_over);
  const std::uint64_t calls = run->platter.calls();
  for (std::uint64_t back = 0; back < 2; ++back) {
    run = &runs.start(1);
    run->looks = false;
    run->platter.fail_at(calls - back, Platter::Failure::io);
    run->fill_log();
    assert_true(run->is_over);
    assert_string_equal(run->wrong.substr(0, 100).c_str(), "");
  }
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define sweep_test(test) cmocka_unit_test_setup_teardown(test, Runs::make, Runs::drop)
  const CMUnitTest tests[] = {
      sweep_test(a_power_cut_after_any_write_leaves_whole_drains_and_all_that_were_committed),
      sweep_test(any_write_or_sync_that_fails_ends_the_sink_and_costs_nothing_committed),
      sweep_test(a_disk_that_fills_up_at_any_write_costs_nothing),
      sweep_test(a_disk_that_fills_up_in_the_middle_of_any_write_costs_nothing),
      sweep_test(a_power_cut_after_any_write_leaves_rows_and_index_together),
      sweep_test(a_disk_that_fills_up_at_any_write_leaves_rows_and_index_together),
      sweep_test(a_checkpoint_that_fails_ends_the_sink_and_costs_nothing_committed),
  };
  return cmocka_run_group_tests_name("SQLite sink, every write", tests, nullptr, nullptr);
}
