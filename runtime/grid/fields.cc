// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/fields.h"

#include "runtime/grid/grid.h"
#include "runtime/problem.h"

namespace grid {
namespace {

// Takes the first name off `path`, and the point behind it; false when it has none.
bool take_name(std::string_view& path, std::string_view& name) {
  const bool is_quoted = path.starts_with('"');
  if (is_quoted) path.remove_prefix(1);
  const std::size_t end = path.find(is_quoted ? '"' : '.');
  if (is_quoted && end == std::string_view::npos) return false;
  name = path.substr(0, end);
  path.remove_prefix(name.size() + (is_quoted ? 1 : 0));
  if (path.empty()) return !name.empty();
  const bool goes_on = path.front() == '.' && path.size() > 1;
  path.remove_prefix(1);
  return goes_on && !name.empty();
}

}  // namespace

Result<Value> value_at(const Value& value, std::string_view path) {
  Value found = value;
  while (!path.empty()) {
    std::string_view name;
    if (!take_name(path, name)) return Status::invalid;
    if (found.kind() != ValueKind::stub) found = found[name];
  }
  if (found.kind() == ValueKind::stub) return Status::too_large;
  return found.exists() ? Result<Value>(found) : Status::not_found;
}

bool fields::take(const Value& value, bool& to) {
  to = value.truth_or(false);
  return value.kind() == ValueKind::boolean;
}

bool fields::take(const Value& value, std::int64_t& to) {
  to = value.integer_or(0);
  return value.kind() == ValueKind::integer;
}

bool fields::take(const Value& value, double& to) {
  to = value.number_or(0);
  return value.kind() == ValueKind::number || value.kind() == ValueKind::integer;
}

bool fields::take(const Value& value, std::string_view& to) {
  to = value.text_or({});
  return value.kind() == ValueKind::text || value.kind() == ValueKind::ref;
}

bool fields::take(const Value& value, Bytes& to) {
  to = value.bytes_or({});
  return value.kind() == ValueKind::bytes;
}

bool fields::take(const Value& value, Timestamp& to) {
  to = {value.timestamp_or(0)};
  return value.kind() == ValueKind::timestamp;
}

Result<Value> Map::value_of(std::string_view key, std::string_view path) const {
  const Result<Change> row = driver_->find(name_, key);
  if (!row.ok()) return row.status();
  const Result<Value> value = value_at(row->now, path);
  runtime::Problem problem;
  if (value.status() == Status::invalid) driver_->complain(problem.say("no path of a field: ").text(path).view());
  if (value.status() == Status::too_large) driver_->complain("the value is larger than this device takes");
  return value;
}

Status Map::refuse_kind(std::string_view path, const Value& value, ValueKind wanted, Status status) const {
  runtime::Problem problem;
  problem.say(path.empty() ? "the value" : path).text(" is ").text(name_of(value.kind()));
  if (status == Status::too_large) {
    problem.text(" beyond the type that it is read as");
  } else {
    problem.text(", and is read as ").text(name_of(wanted));
  }
  driver_->complain(problem.view());
  return status;
}

}  // namespace grid
