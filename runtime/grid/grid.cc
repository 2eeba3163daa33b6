// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/grid.h"

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
  ValueWriter writer(driver_->scratch());
  writer.begin_record();
  for (const Field& field : record) {
    writer.field(field.name);
    field.value.write(writer);
  }
  writer.end_record();
  const Result<Bytes> encoded = writer.finish();
  if (encoded.ok()) return put(key, Value(*encoded), ttl_ms);
  const bool is_large = encoded.status() != Status::invalid;
  driver_->complain(is_large ? "the record is larger than a value may be, or has too many fields"
                             : "the record names a field twice, or has text that is not UTF-8");
  return {driver_, is_large ? Status::too_large : Status::invalid, 0};
}

Write Map::put(std::string_view key, const Value& value, std::uint64_t ttl_ms) {
  Call call{
      .verb = Call::Verb::put, .scope = {ScopeKind::key, name_, key}, .value = value.canonical(), .ttl_ms = ttl_ms};
  return write(driver_, call);
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
