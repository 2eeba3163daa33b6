// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/grid.h"

#include <algorithm>

#include "runtime/edits.h"

namespace grid {

using runtime::Call;

namespace {

Write write(Driver* driver, Call& call) {
  driver->perform(call);
  return {driver, call.status, call.seq};
}

Status subscribe_to(Driver* driver, const Scope& scope) {
  Call call{.verb = Call::Verb::subscribe, .scope = scope};
  driver->perform(call);
  return call.status;
}

bool has_field(std::initializer_list<Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return true;
  }
  return false;
}

void write_fields(ValueWriter& writer, std::initializer_list<Field> fields) {
  for (const Field& field : fields) {
    writer.field(field.name);
    field.value.write(writer);
  }
}

Result<Value> finish_record(Driver* driver, ValueWriter& writer) {
  writer.end_record();
  const Result<Bytes> bytes = writer.finish();
  if (bytes.ok()) return Value(*bytes);
  const bool is_large = bytes.status() != Status::invalid;
  driver->complain(is_large ? "the record is larger than a value may be, or has too many fields"
                            : "the record names a field twice, or has text that is not UTF-8");
  return is_large ? Status::too_large : Status::invalid;
}

Result<Value> record_of(Driver* driver, std::initializer_list<Field> fields) {
  ValueWriter writer(driver->scratch());
  writer.begin_record();
  write_fields(writer, fields);
  return finish_record(driver, writer);
}

// `base` with the fields set.
Result<Value> updated(Driver* driver, const Value& base, std::initializer_list<Field> fields) {
  ValueWriter writer(driver->scratch());
  writer.begin_record();
  for (Value::Walk walk(base); walk.next();) {
    if (has_field(fields, walk.name())) continue;
    writer.field(walk.name());
    writer.copy_of(walk.value());
  }
  write_fields(writer, fields);
  return finish_record(driver, writer);
}

void tell(Driver* driver, Call::Verb verb) {
  Call call{.verb = verb};
  driver->perform(call);
}

}  // namespace

void Watch::end() {
  if (driver_ == nullptr) return;
  if (status_ == Status::ok) {
    Call call{.verb = Call::Verb::unwatch, .id = id_};
    driver_->perform(call);
  }
  driver_ = nullptr;
}

Write Map::put(std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms) {
  const Result<Value> value = record_of(driver_, record);
  return value.ok() ? put(key, *value, ttl_ms) : Write(driver_, value.status(), 0);
}

Write Map::put(std::string_view key, const Value& value, std::uint64_t ttl_ms) {
  Call call{
      .verb = Call::Verb::put, .scope = {ScopeKind::key, name_, key}, .value = value.canonical(), .ttl_ms = ttl_ms};
  return write(driver_, call);
}

Write Map::put_if(const Version& expected, std::string_view key, std::initializer_list<Field> record,
                  std::uint64_t ttl_ms) {
  const Result<Value> value = record_of(driver_, record);
  return value.ok() ? put_if(expected, key, *value, ttl_ms) : Write(driver_, value.status(), 0);
}

Write Map::put_if(const Version& expected, std::string_view key, const Value& value, std::uint64_t ttl_ms) {
  Call call{.verb = Call::Verb::edit,
            .scope = {ScopeKind::key, name_, key},
            .value = value.canonical(),
            .ttl_ms = ttl_ms,
            .edit = runtime::put_if,
            .expected = expected};
  return write(driver_, call);
}

Write Map::update(std::string_view key, std::initializer_list<Field> fields, std::uint64_t ttl_ms) {
  const Value standing = get(key);
  if (standing.exists() && standing.kind() != ValueKind::record) {
    driver_->complain("what stands is no record: there are no fields to set in it");
    return {driver_, Status::invalid, 0};
  }
  const Result<Value> value = updated(driver_, standing, fields);
  return value.ok() ? put(key, *value, ttl_ms) : Write(driver_, value.status(), 0);
}

Change Map::read(std::string_view key) const {
  const Result<Change> row = driver_->find(name_, key);
  return row.ok() ? *row : Change{};
}

Write Map::remove(std::string_view key) {
  Call call{.verb = Call::Verb::remove, .scope = {ScopeKind::key, name_, key}};
  return write(driver_, call);
}

Value Map::get(std::string_view key) const {
  const Result<Change> row = driver_->find(name_, key);
  return row.ok() ? row->now : Value();
}

Watch Map::watch(std::string_view pattern, Callback callback) {
  Call call{.verb = Call::Verb::watch, .scope = runtime::scope_of_pattern(name_, pattern)};
  driver_->watch(call, callback);
  return {driver_, call.status, call.id};
}

Status Map::subscribe(std::string_view pattern) {
  return subscribe_to(driver_, runtime::scope_of_pattern(name_, pattern));
}

Status Node::subscribe(const Scope& scope) { return subscribe_to(driver_, scope); }

void Node::verify() { tell(driver_, Call::Verb::verify); }

void Node::online() { tell(driver_, Call::Verb::online); }

void Node::offline() { tell(driver_, Call::Verb::offline); }

}  // namespace grid
