// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/batch.h"

#include "runtime/edits.h"

namespace grid {

using runtime::Call;

void Batch::put(std::string_view map, std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms) {
  ValueWriter writer(values_.subspan(used_));
  writer.begin_record();
  for (const Field& field : record) {
    writer.field(field.name);
    field.value.write(writer);
  }
  writer.end_record();
  const Result<Bytes> value = writer.finish();
  if (!value.ok()) {
    status_ = value.status() == Status::invalid ? Status::invalid : Status::too_large;
    return;
  }
  used_ += value->size();
  add(map, key, *value, ttl_ms);
}

void Batch::put(std::string_view map, std::string_view key, const Value& value, std::uint64_t ttl_ms) {
  if (!value.exists()) {
    status_ = Status::invalid;
  } else if (value.canonical().size() > values_.size() - used_) {
    status_ = Status::too_large;
  } else {
    const MutBytes room = values_.subspan(used_, value.canonical().size());
    copy(value.canonical(), room);
    used_ += room.size();
    add(map, key, room, ttl_ms);
  }
}

void Batch::remove(std::string_view map, std::string_view key) { add(map, key, {}, 0); }

void Batch::add(std::string_view map, std::string_view key, Bytes value, std::uint64_t ttl_ms) {
  if (count_ == rows_.size()) {
    status_ = Status::too_large;
  } else {
    rows_[count_++] = {map, key, value, ttl_ms};
  }
}

void Batch::clear() {
  used_ = count_ = 0;
  status_ = Status::ok;
}

Write Batch::commit(Node& node) {
  Driver* driver = &node.driver();
  if (status_ == Status::ok && count_ == 0) status_ = Status::invalid;
  if (status_ != Status::ok) {
    driver->complain(status_ == Status::invalid ? "a batch is empty, or has a row that is no value"
                                                : "a batch has more rows or bytes than there is room for");
    return {driver, status_, 0};
  }
  Call call{.verb = Call::Verb::edit, .edit = runtime::write_batch, .rows = {rows_.data(), count_}};
  driver->perform(call);
  return {driver, call.status, call.seq};
}

}  // namespace grid
