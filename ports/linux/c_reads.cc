// SPDX-License-Identifier: Apache-2.0
//
// grid/c.h: values, rows, queries.

#include <algorithm>
#include <cstring>

#include "ports/linux/c_node.h"
#include "runtime/grid/views.h"
#include "transport/json/value_json.h"

using namespace grid;
using namespace grid::c;

// ---- values

grid_kind grid_kind_of(grid_value value) { return static_cast<grid_kind>(value_of(value).kind()); }

grid_value grid_field_of(grid_value record, const char* name) { return value_of(value_of(record)[text_of(name)]); }

bool grid_boolean_of(grid_value value, bool otherwise) { return value_of(value).truth_or(otherwise); }

std::int64_t grid_integer_of(grid_value value, std::int64_t otherwise) { return value_of(value).integer_or(otherwise); }

double grid_number_of(grid_value value, double otherwise) { return value_of(value).number_or(otherwise); }

std::int64_t grid_timestamp_of(grid_value value, std::int64_t otherwise) {
  return value_of(value).timestamp_or(otherwise);
}

const char* grid_bytes_of(grid_value value, std::size_t* size) {
  const Value from = value_of(value);
  std::string_view bytes;
  if (from.kind() == ValueKind::text || from.kind() == ValueKind::ref)
    bytes = from.text_or({});
  else if (from.kind() == ValueKind::bytes)
    bytes = as_text(from.bytes_or({}));
  else
    return nullptr;
  if (size != nullptr) *size = bytes.size();
  return bytes.data() == nullptr ? "" : bytes.data();
}

std::size_t grid_json_of(grid_value value, char* room, std::size_t room_bytes) {
  const std::string json = json::json_from_value(value_of(value));
  if (room != nullptr && room_bytes > 0) {
    const std::size_t size = std::min(json.size(), room_bytes - 1);
    std::memcpy(room, json.data(), size);
    room[size] = '\0';
  }
  return json.size();
}

// ---- rows

namespace {

template <typename T>
grid_status get_typed(grid_node* node, const char* map, const char* key, const char* path, T& to) {
  const Result<T> field = node->node->map(text_of(map)).get<T>(text_of(key), text_of(path));
  if (field.ok()) to = *field;
  return status_of(field.status());
}

// Of a walk that `next` continues behind a key; `next` is not_found at its end.
template <typename Next>
grid_status visit_rows(Next next, std::string after, grid_visit visit, void* context) {
  for (;;) {
    const Result<Change> row = next(after);
    if (!row.ok()) return row.status() == Status::not_found ? GRID_OK : status_of(row.status());
    after = row->key;
    const grid_row one = row_of(*row);
    if (!visit(context, &one)) return GRID_OK;
  }
}

}  // namespace

grid_status grid_get(grid_node* node, const char* map, const char* key, grid_value* value) {
  const Result<Change> row = node->node->driver().find(text_of(map), text_of(key));
  *value = value_of(row.ok() ? row->now : Value());
  return row.ok() && !row->now.exists() ? GRID_NOT_FOUND : status_of(row.status());
}

grid_status grid_get_field(grid_node* node, const char* map, const char* key, const char* path, grid_value* value) {
  Value field;
  const grid_status status = get_typed(node, map, key, path, field);
  if (status == GRID_OK) *value = value_of(field);
  return status;
}

grid_status grid_get_boolean(grid_node* node, const char* map, const char* key, const char* path, bool* value) {
  return get_typed(node, map, key, path, *value);
}

grid_status grid_get_integer(grid_node* node, const char* map, const char* key, const char* path, std::int64_t* value) {
  return get_typed(node, map, key, path, *value);
}

grid_status grid_get_number(grid_node* node, const char* map, const char* key, const char* path, double* value) {
  return get_typed(node, map, key, path, *value);
}

grid_status grid_get_timestamp(grid_node* node, const char* map, const char* key, const char* path,
                               std::int64_t* value) {
  Timestamp field{*value};
  const grid_status status = get_typed(node, map, key, path, field);
  *value = field.ms;
  return status;
}

grid_status grid_get_text(grid_node* node, const char* map, const char* key, const char* path, char* room,
                          std::size_t room_bytes) {
  std::string_view text;
  const grid_status status = get_typed(node, map, key, path, text);
  if (status != GRID_OK) return status;
  if (text.size() >= room_bytes) {
    node->node->driver().complain("the text takes " + std::to_string(text.size() + 1) + " bytes of room");
    return GRID_TOO_LARGE;
  }
  text.copy(room, text.size());
  room[text.size()] = '\0';
  return GRID_OK;
}

grid_status grid_scan(grid_node* node, const char* map, const char* prefix, grid_visit visit, void* context) {
  const std::string_view text = text_of(prefix);
  const Scope scope{text.empty() ? ScopeKind::map : ScopeKind::prefix, text_of(map), text};
  const auto next = [&](const std::string& after) { return node->node->driver().next(scope, scope.map, after); };
  return visit_rows(next, {}, visit, context);
}

grid_status grid_scan_range(grid_node* node, const char* map, const char* from, const char* to, grid_visit visit,
                            void* context) {
  const std::string_view name = text_of(map), first = text_of(from), end = text_of(to);
  bool is_first = !first.empty() && (end.empty() || first < end);
  const auto next = [&](const std::string& after) -> Result<Change> {
    const Result<Change> exact = is_first ? node->node->driver().find(name, first) : Status::not_found;
    is_first = false;
    if (exact.status() != Status::not_found) return exact;
    const Result<Change> row = node->node->driver().next({ScopeKind::map, name, {}}, name, after);
    return row.ok() && !end.empty() && row->key >= end ? Result<Change>(Status::not_found) : row;
  };
  return visit_rows(next, std::string(first), visit, context);
}

grid_status grid_ask(grid_node* node, const char* map, const grid_query* query, grid_visit visit, void* context,
                     char* cursor, std::size_t cursor_bytes) {
  const Query question{.where = text_of(query->where),
                       .order = text_of(query->order),
                       .limit = query->limit,
                       .after = text_of(query->after)};
  bool goes_on = true;
  const Page page = node->node->map(text_of(map)).query(question, [&](const Change& row) {
    const grid_row one = row_of(row);
    goes_on = goes_on && visit(context, &one);
  });
  if (page.status != Status::ok || cursor == nullptr) return status_of(page.status);
  if (page.cursor.size() >= cursor_bytes) {
    node->node->driver().complain("the cursor takes " + std::to_string(page.cursor.size() + 1) + " bytes of room");
    return GRID_TOO_LARGE;
  }
  std::memcpy(cursor, page.cursor.data(), page.cursor.size());
  cursor[page.cursor.size()] = '\0';
  return GRID_OK;
}

// ---- sets and counters

grid_status grid_set_values(grid_node* node, const char* map, const char* key, grid_visit visit, void* context) {
  const std::string_view map_text = text_of(map), key_text = text_of(key);
  bool goes_on = true;
  const Status status = OrMap(*node->node, map_text).values(key_text, [&](const Value& value) {
    const grid_row one{map_text.data(), map_text.size(), key_text.data(), key_text.size(), value_of(value), false};
    goes_on = goes_on && visit(context, &one);
  });
  return status_of(status);
}

std::int64_t grid_counter_value(grid_node* node, const char* map, const char* key) {
  return CounterMap(*node->node, text_of(map)).value(text_of(key));
}
