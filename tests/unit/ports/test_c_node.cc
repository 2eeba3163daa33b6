// SPDX-License-Identifier: Apache-2.0
//
// The C header's errors and ownership. What it does when all is well, examples/c/orchard.c shows, compiled as C.

#include <grid/c.h>

#include <cstring>
#include <string>

#include "tests/check.h"

namespace {

struct Node {
  grid_node* at = grid_open(nullptr, nullptr, nullptr, 0);
  ~Node() { grid_close(at); }
};

bool count_rows(void* context, const grid_row*) { return ++*static_cast<int*>(context) < 2; }

void count_changes(void* context, const grid_row*) { ++*static_cast<int*>(context); }

void what_can_not_be_opened_is_null_with_a_sentence_that_fits(void**) {
  const grid_options options = {.app = "no such/app",
                                .store = nullptr,
                                .server = nullptr,
                                .inspect = nullptr,
                                .key_file = nullptr,
                                .old_key_file = nullptr,
                                .offline = false,
                                .on_full = GRID_REFUSE,
                                .pending_ops_max = 0,
                                .pause_ms_max = 0,
                                .keep = nullptr,
                                .keep_count = 0,
                                .token = nullptr,
                                .token_file = nullptr,
                                .on_token = nullptr,
                                .token_context = nullptr,
                                .ca = nullptr,
                                .certificate = nullptr,
                                .key = nullptr};
  grid_status status = GRID_OK;
  char problem[15];
  assert_null(grid_open(&options, &status, problem, sizeof(problem)));
  assert_int_equal(status, GRID_INVALID);
  assert_string_equal(problem, "the app's name");
  assert_string_equal(grid_status_name(status), "invalid");
  grid_close(nullptr);
}

void a_rule_of_what_is_kept_needs_a_map(void**) {
  const grid_keep rules[] = {{"readings", 10, 0}, {nullptr, GRID_KEEP_ALL, 1'000}};
  grid_options options{};
  options.keep = rules;
  options.keep_count = 2;
  grid_status status = GRID_OK;
  char problem[100];
  assert_null(grid_open(&options, &status, problem, sizeof(problem)));
  assert_int_equal(status, GRID_INVALID);
  assert_non_null(std::strstr(problem, "a rule of what is kept"));
  options.keep = nullptr;  // A count without rules is none.
  grid_close(grid_open(&options, &status, problem, sizeof(problem)));
  assert_int_equal(status, GRID_OK);
  options.keep = rules;
  options.keep_count = 1;
  grid_node* const node = grid_open(&options, &status, problem, sizeof(problem));
  assert_non_null(node);
  grid_close(node);
}

void bad_arguments_are_refused_with_a_sentence(void**) {
  const Node node;
  std::uint64_t write = 7;
  assert_int_equal(grid_put_json(node.at, "m", "k", nullptr, 0, &write), GRID_INVALID);
  assert_string_equal(grid_problem(node.at), "an argument that may not be null is null");
  assert_int_equal(grid_put_json(node.at, "m", nullptr, "1", 0, &write), GRID_INVALID);
  assert_int_equal(write, 0);
  assert_int_equal(grid_put_json(node.at, nullptr, "k", "1", 0, nullptr), GRID_INVALID);
  assert_int_equal(grid_put_json(node.at, "m", "k", "{\"a\":1,\"a\":2}", 0, nullptr), GRID_INVALID);
  assert_non_null(std::strstr(grid_problem(node.at), "JSON, line 1, column"));
  const grid_field twice[] = {{"a", GRID_INTEGER, 1, 0, nullptr}, {"a", GRID_INTEGER, 2, 0, nullptr}};
  assert_int_equal(grid_put(node.at, "m", "k", twice, 2, 0, nullptr), GRID_INVALID);
  const grid_field list = {"a", GRID_LIST, 0, 0, nullptr};
  assert_int_equal(grid_put(node.at, "m", "k", &list, 1, 0, nullptr), GRID_INVALID);
  const grid_query query = {.where = "temp >", .order = nullptr, .limit = 0, .after = nullptr};
  int rows = 0;
  assert_int_equal(grid_ask(node.at, "m", &query, count_rows, &rows, nullptr, 0), GRID_INVALID);
  assert_non_null(std::strstr(grid_problem(node.at), "column"));
  assert_int_equal(grid_set_remove(node.at, "s", "k", "1", nullptr), GRID_NOT_FOUND);
  assert_int_equal(grid_online(node.at), GRID_INVALID);
  assert_null(grid_watch_rows(node.at, "no map", "", count_changes, &rows));
  grid_value value;
  assert_int_equal(grid_get(node.at, "m", "k", &value), GRID_NOT_FOUND);
  assert_int_equal(grid_kind_of(value), GRID_ABSENT);
}

void values_are_read_by_kind_and_nothing_else(void**) {
  const Node node;
  const char* const json = "{\"b\":true,\"n\":1.5,\"i\":-3,\"t\":\"x\",\"l\":[1]}";
  assert_int_equal(grid_put_json(node.at, "m", "k", json, 0, nullptr), GRID_OK);
  grid_value row;
  assert_int_equal(grid_get(node.at, "m", "k", &row), GRID_OK);
  assert_int_equal(grid_kind_of(row), GRID_RECORD);
  assert_true(grid_boolean_of(grid_field_of(row, "b"), false));
  assert_true(grid_number_of(grid_field_of(row, "n"), 0) == 1.5);
  assert_int_equal(grid_integer_of(grid_field_of(row, "i"), 0), -3);
  assert_int_equal(grid_integer_of(grid_field_of(row, "none"), 9), 9);
  std::size_t size = 0;
  assert_memory_equal(grid_bytes_of(grid_field_of(row, "t"), &size), "x", 1);
  assert_int_equal(size, 1);
  assert_null(grid_bytes_of(grid_field_of(row, "l"), &size));
  char text[8];
  assert_int_equal(grid_json_of(grid_field_of(row, "l"), text, sizeof(text)), 3);
  assert_string_equal(text, "[1]");
  assert_true(grid_json_of(row, text, sizeof(text)) > sizeof(text));
  assert_string_equal(text, "{\"b\":tr");
}

void one_field_is_read_as_what_it_is_or_left_as_it_was(void**) {
  const Node node;
  const char* const json = "{\"b\":true,\"n\":1.5,\"i\":-3,\"t\":\"four\",\"r\":{\"a.b\":{\"c\":[1]}}}";
  assert_int_equal(grid_put_json(node.at, "m", "k", json, 0, nullptr), GRID_OK);
  bool truth = false;
  double number = 0;
  std::int64_t integer = 9, timestamp = 9;
  char text[5] = "none";
  grid_value value{};
  assert_int_equal(grid_get_boolean(node.at, "m", "k", "b", &truth), GRID_OK);
  assert_true(truth);
  assert_int_equal(grid_get_number(node.at, "m", "k", "n", &number), GRID_OK);
  assert_true(number == 1.5);
  assert_int_equal(grid_get_integer(node.at, "m", "k", "n", &integer), GRID_INVALID);
  assert_string_equal(grid_problem(node.at), "n is number, and is read as integer");
  assert_int_equal(grid_get_integer(node.at, "m", "k", "r.none", &integer), GRID_NOT_FOUND);
  assert_int_equal(grid_get_integer(node.at, "m", "none", "i", &integer), GRID_NOT_FOUND);
  assert_int_equal(integer, 9);
  assert_int_equal(grid_get_integer(node.at, "m", "k", "i", &integer), GRID_OK);
  assert_int_equal(integer, -3);
  assert_int_equal(grid_get_timestamp(node.at, "m", "k", "i", &timestamp), GRID_INVALID);
  assert_int_equal(timestamp, 9);
  assert_int_equal(grid_get_text(node.at, "m", "k", "t", text, 4), GRID_TOO_LARGE);
  assert_string_equal(text, "none");
  assert_int_equal(grid_get_text(node.at, "m", "k", "t", text, sizeof(text)), GRID_OK);
  assert_string_equal(text, "four");
  assert_int_equal(grid_get_field(node.at, "m", "k", "r.\"a.b\".c", &value), GRID_OK);
  assert_int_equal(grid_kind_of(value), GRID_LIST);
  assert_int_equal(grid_get_field(node.at, "m", "k", nullptr, &value), GRID_OK);
  assert_int_equal(grid_kind_of(value), GRID_RECORD);
}

void a_range_ends_before_its_end(void**) {
  const Node node;
  for (const char* key : {"a", "b", "c", "d"}) {
    assert_int_equal(grid_put_json(node.at, "m", key, "1", 0, nullptr), GRID_OK);
  }
  const auto rows_of = [&node](const char* from, const char* to) {
    std::string keys;
    const auto add = [](void* context, const grid_row* row) {
      static_cast<std::string*>(context)->append(row->key, row->key_size);
      return true;
    };
    assert_int_equal(grid_scan_range(node.at, "m", from, to, add, &keys), GRID_OK);
    return keys;
  };
  assert_string_equal(rows_of("b", "d").c_str(), "bc");
  assert_string_equal(rows_of("aa", "").c_str(), "bcd");
  assert_string_equal(rows_of("", "b").c_str(), "a");
  assert_string_equal(rows_of("b", "b").c_str(), "");
  assert_string_equal(rows_of("c", "b").c_str(), "");
  int rows = 0;
  assert_int_equal(grid_scan_range(node.at, "m", "a", "", count_rows, &rows), GRID_OK);
  assert_int_equal(rows, 2);
}

void a_visit_stops_when_it_says_so_and_a_cursor_goes_on(void**) {
  const Node node;
  for (const char* key : {"a", "b", "c"}) assert_int_equal(grid_put_json(node.at, "m", key, "1", 0, nullptr), GRID_OK);
  int rows = 0;
  assert_int_equal(grid_scan(node.at, "m", "", count_rows, &rows), GRID_OK);
  assert_int_equal(rows, 2);
  char cursor[256];
  grid_query query = {.where = nullptr, .order = nullptr, .limit = 2, .after = nullptr};
  assert_int_equal(grid_ask(node.at, "m", &query, count_rows, &rows, cursor, 1), GRID_TOO_LARGE);
  assert_int_equal(grid_ask(node.at, "m", &query, count_rows, &rows, cursor, sizeof(cursor)), GRID_OK);
  assert_true(cursor[0] != '\0');
  query.after = cursor;
  rows = 0;
  char last[256];
  assert_int_equal(grid_ask(node.at, "m", &query, count_rows, &rows, last, sizeof(last)), GRID_OK);
  assert_int_equal(rows, 1);
  assert_string_equal(last, "");
}

void a_node_ends_the_watches_searches_and_batches_that_nobody_ended(void**) {
  int changes = 0;
  {
    const Node node;
    assert_non_null(grid_watch_rows(node.at, "m", "", count_changes, &changes));
    grid_unwatch(grid_watch_rows(node.at, "other", "", count_changes, &changes));
    const grid_search_query words = {
        .map = "m", .text = "x", .limit = 0, .after_rank = 0, .after = nullptr, .watch = true};
    assert_non_null(grid_search_begin(node.at, &words, nullptr, nullptr));
    grid_search_end(grid_search_begin(node.at, &words, nullptr, nullptr));
    const grid_search_query nowhere = {
        .map = nullptr, .text = "x", .limit = 0, .after_rank = 0, .after = nullptr, .watch = false};
    assert_null(grid_search_begin(node.at, &nowhere, nullptr, nullptr));
    assert_non_null(std::strstr(grid_problem(node.at), "names no map"));
    grid_batch* const batch = grid_batch_begin(node.at);
    assert_int_equal(grid_batch_put_json(batch, "m", "k", "{", 0), GRID_INVALID);
    assert_int_equal(grid_batch_put_json(batch, "m", "k", "1", 0), GRID_OK);
    assert_int_equal(grid_batch_put_json(batch, "m", "k", "2", 0), GRID_OK);
    assert_int_equal(grid_batch_commit(batch, nullptr), GRID_INVALID);  // One key twice.
    assert_int_equal(grid_put_json(node.at, "m", "k", "1", 0, nullptr), GRID_OK);
    for (int i = 0; i < 500 && changes == 0; ++i) grid_run_for(node.at, 20);
    grid_batch_begin(node.at);
  }
  assert_int_equal(changes, 1);
}

void a_write_has_a_number_that_tells_what_became_of_it(void**) {
  const Node node;
  std::uint64_t first = 0, second = 0;
  assert_int_equal(grid_put_json(node.at, "m", "k", "1", 0, &first), GRID_OK);
  assert_int_equal(grid_put_json(node.at, "m", "k", "2", 0, &second), GRID_OK);
  assert_string_equal(grid_outcome_name(grid_outcome_of(node.at, first)), "superseded");
  assert_int_equal(grid_outcome_of(node.at, second), GRID_PENDING);
  assert_false(grid_wait(node.at, second, GRID_DURABLE, 1));
  assert_false(grid_settle(node.at, 1));
  const grid_node_status status = grid_status_of(node.at);
  assert_string_equal(status.state, "disconnected");
  assert_string_equal(status.reason, "offline");
  assert_int_equal(status.ops_pending, 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_can_not_be_opened_is_null_with_a_sentence_that_fits),
      cmocka_unit_test(a_rule_of_what_is_kept_needs_a_map),
      cmocka_unit_test(bad_arguments_are_refused_with_a_sentence),
      cmocka_unit_test(values_are_read_by_kind_and_nothing_else),
      cmocka_unit_test(one_field_is_read_as_what_it_is_or_left_as_it_was),
      cmocka_unit_test(a_range_ends_before_its_end),
      cmocka_unit_test(a_visit_stops_when_it_says_so_and_a_cursor_goes_on),
      cmocka_unit_test(a_node_ends_the_watches_searches_and_batches_that_nobody_ended),
      cmocka_unit_test(a_write_has_a_number_that_tells_what_became_of_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
