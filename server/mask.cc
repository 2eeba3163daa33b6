// SPDX-License-Identifier: Apache-2.0

#include "server/mask.h"

#include <algorithm>

namespace grid::server {

using crdt::Value;

Result<Value> shown(const Sight& sight, std::string_view key, const Value& row, MutBytes room) {
  if (!row.exists() || sight.whole.has(key, row.canonical())) return row;
  if (!sight.masked.has(key, row.canonical())) return Value();
  if (row.kind() != crdt::ValueKind::record) return row;
  crdt::ValueWriter writer(room);
  writer.begin_record();
  for (Value::Walk field(row); field.next();) {
    if (std::find(sight.hidden.begin(), sight.hidden.end(), field.name()) != sight.hidden.end()) continue;
    writer.field(field.name());
    writer.copy_of(field.value());
  }
  writer.end_record();
  const Result<Bytes> written = writer.finish();
  return written.ok() ? Result<Value>(Value(*written)) : written.status();
}

}  // namespace grid::server
