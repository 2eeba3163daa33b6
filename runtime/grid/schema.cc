// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/schema.h"

#include <algorithm>

#include "runtime/problem.h"

namespace grid {

namespace {

// `base` with the fields set, in the driver's memory.
Result<Value> record_of(Driver* driver, const Value& base, std::initializer_list<Field> fields) {
  ValueWriter writer(driver->scratch());
  writer.begin_record();
  for (Value::Walk walk(base); walk.next();) {
    const auto is_set = [&walk](const Field& field) { return field.name == walk.name(); };
    if (std::any_of(fields.begin(), fields.end(), is_set)) continue;
    writer.field(walk.name());
    writer.copy_of(walk.value());
  }
  for (const Field& field : fields) {
    writer.field(field.name);
    field.value.write(writer);
  }
  writer.end_record();
  const Result<Bytes> bytes = writer.finish();
  if (bytes.ok()) return Value(*bytes);
  driver->complain("the record is too large, names a field twice, or has text that is not UTF-8");
  return bytes.status() == Status::invalid ? Status::invalid : Status::too_large;
}

}  // namespace

Status SchemaMap::check(std::string_view key, const Value& record) {
  SchemaTrouble trouble;
  const Status status = schema_->check(record, trouble);
  if (status == Status::ok) return status;
  char room[160];
  runtime::Problem problem;
  problem.say(map_.name()).text("/").text(key).text(": ").text(trouble.sentence(room));
  driver_->complain(problem.view());
  return status;
}

Write SchemaMap::put(std::string_view key, const Value& record, std::uint64_t ttl_ms) {
  const Status status = check(key, record);
  return status == Status::ok ? map_.put(key, record, ttl_ms) : Write(driver_, status, 0);
}

Write SchemaMap::put(std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms) {
  const Result<Value> value = record_of(driver_, {}, record);
  return value.ok() ? put(key, *value, ttl_ms) : Write(driver_, value.status(), 0);
}

Write SchemaMap::update(std::string_view key, std::initializer_list<Field> fields, std::uint64_t ttl_ms) {
  const Value standing = map_.get(key);
  if (standing.exists() && standing.kind() != ValueKind::record) {
    driver_->complain("what stands is no record: there are no fields to set in it");
    return {driver_, Status::invalid, 0};
  }
  const Result<Value> value = record_of(driver_, standing, fields);
  return value.ok() ? put(key, *value, ttl_ms) : Write(driver_, value.status(), 0);
}

}  // namespace grid
