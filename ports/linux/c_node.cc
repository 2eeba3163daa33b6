// SPDX-License-Identifier: Apache-2.0
//
// grid/c.h: nodes, writes, watches, batches, and running.

#include "ports/linux/c_node.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/grid/batch.h"
#include "runtime/grid/views.h"
#include "transport/json/value_json.h"

using namespace grid;
using namespace grid::c;

static_assert(GRID_COLLECTED == static_cast<int>(Status::collected) && GRID_STUB == static_cast<int>(ValueKind::stub) &&
              GRID_LOST_WITH == static_cast<int>(Outcome::lost_with) && GRID_PAUSE == static_cast<int>(OnFull::pause));

struct grid_watch {
  grid_node* node;
  grid_changed changed;
  void* context;
  Watch watch;
};

// The rows of a batch with their names, which grid::Batch keeps by reference.
struct grid_batch final : public Batch {
  explicit grid_batch(grid_node& of) : grid_batch(of, std::make_unique<Room>()) {}

  std::string_view keep(const char* name) { return names_.emplace_back(name); }

  grid_node& node;

 private:
  struct Room {
    std::uint8_t values[2 * kValueBytesMax];
    runtime::RowWrite rows[runtime::kBatchRowsMax];
  };
  grid_batch(grid_node& of, std::unique_ptr<Room> room)
      : Batch(room->values, room->rows), node(of), room_(move(room)) {}

  std::unique_ptr<Room> room_;
  std::deque<std::string> names_;
};

namespace {

grid_status told(const Write& write, std::uint64_t* number) {
  if (number != nullptr) *number = write.status() == Status::ok ? write.seq() : 0;
  return status_of(write.status());
}

void copy_text(std::string_view text, char* room, std::size_t bytes) {
  if (room == nullptr || bytes == 0) return;
  const std::size_t size = std::min(text.size(), bytes - 1);
  std::memcpy(room, text.data(), size);
  room[size] = '\0';
}

std::vector<Keep> rules_of(const grid_options& from) {
  std::vector<Keep> rules;
  const std::size_t count = from.keep == nullptr ? 0 : from.keep_count;
  for (std::size_t i = 0; i < count; ++i) {
    const grid_keep& rule = from.keep[i];
    rules.push_back({text_of(rule.map), rule.rows_max, rule.age_ms_max == 0 ? UINT64_MAX : rule.age_ms_max});
  }
  return rules;
}

// `rules` must outlive what is returned.
std::string ask_for_token(void* context) {
  const auto& tokens = static_cast<grid_node*>(context)->tokens;
  return std::string(text_of(tokens.ask(tokens.context)));
}

LinuxOptions options_of(const grid_options& from, const std::vector<Keep>& rules, grid_node& node) {
  LinuxOptions to;
  to.token = text_of(from.token);
  to.token_file = text_of(from.token_file);
  node.tokens = {from.on_token, from.token_context};
  if (from.on_token != nullptr) to.on_token = ask_for_token, to.token_context = &node;
  if (from.app != nullptr) to.app = from.app;
  to.store = text_of(from.store);
  to.server = text_of(from.server);
  to.inspect = text_of(from.inspect);
  to.key_file = text_of(from.key_file);
  to.old_key_file = text_of(from.old_key_file);
  to.ca = text_of(from.ca);
  to.certificate = text_of(from.certificate);
  to.key = text_of(from.key);
  to.offline = from.offline;
  to.on_full = static_cast<OnFull>(from.on_full);
  if (from.pending_ops_max != 0) to.pending_ops_max = from.pending_ops_max;
  if (from.pause_ms_max != 0) to.pause_ms_max = from.pause_ms_max;
  to.keep = rules;
  return to;
}

void write_field(ValueWriter& writer, const grid_field& field) {
  writer.field(text_of(field.name));
  switch (field.kind) {
    case GRID_NULL:
      return writer.null();
    case GRID_BOOLEAN:
      return writer.boolean(field.integer != 0);
    case GRID_INTEGER:
      return writer.integer(field.integer);
    case GRID_NUMBER:
      return writer.number(field.number);
    case GRID_TEXT:
      return writer.text(text_of(field.text));
    default:
      return;  // A field without a value is what the writer refuses.
  }
}

Status refuse_null(grid_node* node) {
  node->node->driver().complain("an argument that may not be null is null");
  return Status::invalid;
}

}  // namespace

Status grid::c::parse(grid_node& node, const char* json, std::string& canonical) {
  if (json == nullptr) return refuse_null(&node);
  json::JsonError error;
  const Status status = json::value_from_json(json, canonical, error);
  if (status == Status::ok) return status;
  node.node->driver().complain("JSON, line " + std::to_string(error.line) + ", column " + std::to_string(error.column) +
                               ": " + error.sentence);
  return status;
}

const char* grid_status_name(grid_status status) { return name_of(static_cast<Status>(status)); }

const char* grid_outcome_name(grid_outcome outcome) { return name_of(static_cast<Outcome>(outcome)); }

// ---- a node

grid_node* grid_open(const grid_options* options, grid_status* status, char* problem, std::size_t problem_bytes) {
  auto opened = std::make_unique<grid_node>();
  const grid_options defaults{};
  const grid_options& given = options == nullptr ? defaults : *options;
  const std::vector<Keep> rules = rules_of(given);
  opened->node = opened->host.open(options_of(given, rules, *opened));
  if (status != nullptr) *status = status_of(opened->host.status());
  copy_text(opened->node == nullptr ? opened->host.problem() : "", problem, problem_bytes);
  return opened->node == nullptr ? nullptr : opened.release();
}

void grid_close(grid_node* node) {
  if (node == nullptr) return;
  while (!node->watches.empty()) grid_unwatch(node->watches.back());
  while (!node->searches.empty()) grid_search_end(node->searches.back());
  while (!node->batches.empty()) grid_batch_discard(node->batches.back());
  delete node;
}

grid_status grid_show_token(grid_node* node, const char* token) {
  return status_of(token == nullptr ? refuse_null(node) : node->host.show_token(token));
}

const char* grid_problem(const grid_node* node) { return node->host.problem(); }

// ---- writes

grid_status grid_put(grid_node* node, const char* map, const char* key, const grid_field* fields,
                     std::size_t field_count, std::uint64_t ttl_ms, std::uint64_t* write) {
  ValueWriter writer(node->node->driver().scratch());
  writer.begin_record();
  for (std::size_t i = 0; i < field_count; ++i) write_field(writer, fields[i]);
  writer.end_record();
  const Result<Bytes> value = writer.finish();
  if (value.ok()) return told(node->node->map(text_of(map)).put(text_of(key), Value(*value), ttl_ms), write);
  const bool is_large = value.status() != Status::invalid;
  node->node->driver().complain(is_large ? "the record is larger than a value may be, or has too many fields"
                                         : "the record names a field twice, has text that is not UTF-8, or a kind of "
                                           "field that grid_put() does not take");
  return is_large ? GRID_TOO_LARGE : GRID_INVALID;
}

grid_status grid_put_json(grid_node* node, const char* map, const char* key, const char* json, std::uint64_t ttl_ms,
                          std::uint64_t* write) {
  std::string value;
  const Status status = parse(*node, json, value);
  if (status != Status::ok) return status_of(status);
  return told(node->node->map(text_of(map)).put(text_of(key), Value(as_bytes(value)), ttl_ms), write);
}

grid_status grid_remove(grid_node* node, const char* map, const char* key, std::uint64_t* write) {
  return told(node->node->map(text_of(map)).remove(text_of(key)), write);
}

grid_status grid_set_add(grid_node* node, const char* map, const char* key, const char* json, std::uint64_t* write) {
  std::string value;
  const Status status = parse(*node, json, value);
  if (status != Status::ok) return status_of(status);
  return told(OrMap(*node->node, text_of(map)).add(text_of(key), Value(as_bytes(value))), write);
}

grid_status grid_set_remove(grid_node* node, const char* map, const char* key, const char* json, std::uint64_t* write) {
  std::string value;
  const Status status = parse(*node, json, value);
  if (status != Status::ok) return status_of(status);
  return told(OrMap(*node->node, text_of(map)).remove(text_of(key), Value(as_bytes(value))), write);
}

grid_status grid_counter_add(grid_node* node, const char* map, const char* key, std::int64_t by, std::uint64_t* write) {
  return told(CounterMap(*node->node, text_of(map)).increment(text_of(key), by), write);
}

// ---- batches

grid_batch* grid_batch_begin(grid_node* node) { return node->batches.emplace_back(new grid_batch(*node)); }

grid_status grid_batch_put_json(grid_batch* batch, const char* map, const char* key, const char* json,
                                std::uint64_t ttl_ms) {
  if (map == nullptr || key == nullptr) return status_of(refuse_null(&batch->node));
  std::string value;
  const Status status = parse(batch->node, json, value);
  if (status != Status::ok) return status_of(status);
  batch->put(batch->keep(map), batch->keep(key), Value(as_bytes(value)), ttl_ms);
  return GRID_OK;
}

grid_status grid_batch_remove(grid_batch* batch, const char* map, const char* key) {
  if (map == nullptr || key == nullptr) return status_of(refuse_null(&batch->node));
  batch->remove(batch->keep(map), batch->keep(key));
  return GRID_OK;
}

grid_status grid_batch_commit(grid_batch* batch, std::uint64_t* write) {
  const grid_status status = told(batch->commit(*batch->node.node), write);
  grid_batch_discard(batch);
  return status;
}

void grid_batch_discard(grid_batch* batch) {
  if (batch == nullptr) return;
  std::erase(batch->node.batches, batch);
  delete batch;
}

// ---- watches

grid_watch* grid_watch_rows(grid_node* node, const char* map, const char* pattern, grid_changed changed,
                            void* context) {
  auto watch = std::make_unique<grid_watch>(grid_watch{node, changed, context, {}});
  watch->watch = node->node->map(text_of(map)).watch(text_of(pattern), [at = watch.get()](const Change& change) {
    const grid_row row = row_of(change);
    at->changed(at->context, &row);
  });
  if (watch->watch.status() != Status::ok) return nullptr;
  return node->watches.emplace_back(watch.release());
}

void grid_unwatch(grid_watch* watch) {
  if (watch == nullptr) return;
  std::erase(watch->node->watches, watch);
  delete watch;
}

grid_status grid_subscribe(grid_node* node, const char* map, const char* pattern) {
  return status_of(node->node->map(text_of(map)).subscribe(text_of(pattern)));
}

// ---- running

grid_outcome grid_outcome_of(grid_node* node, std::uint64_t write) {
  return static_cast<grid_outcome>(node->node->driver().outcome_of(write));
}

bool grid_wait(grid_node* node, std::uint64_t write, grid_outcome outcome, std::uint64_t timeout_ms) {
  return node->host.wait(Write(&node->node->driver(), Status::ok, write), static_cast<Outcome>(outcome), timeout_ms);
}

bool grid_settle(grid_node* node, std::uint64_t timeout_ms) { return node->host.settle(timeout_ms); }

void grid_run_for(grid_node* node, std::uint64_t ms) { node->host.run_for(ms); }

void grid_stop(grid_node* node) { node->host.stop(); }

grid_status grid_flush(grid_node* node) { return status_of(node->host.flush()); }

void grid_post(grid_node* node, void (*work)(void* context), void* context) { node->host.post(work, context); }

grid_status grid_online(grid_node* node) {
  runtime::Call call{.verb = runtime::Call::Verb::online};
  node->node->driver().perform(call);
  return status_of(call.status);
}

void grid_offline(grid_node* node) { node->node->offline(); }

grid_node_status grid_status_of(grid_node* node) {
  const runtime::ReplicaStatus now = node->node->status();
  return {name_of(now.state),  name_of(now.reason), now.node, now.ops_pending,
          now.ops_pending_max, now.current,         now.quiet};
}
