// SPDX-License-Identifier: Apache-2.0
//
// A value walked and written again: the same bytes, or the walk or the writer is wrong.
#pragma once

#include "crdt/value.h"

namespace grid::test {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

// Writes what a walk over `value` sees.
inline void rewrite(const Value& value, ValueWriter& writer) {
  switch (value.kind()) {
    case ValueKind::boolean:
      return writer.boolean(value.truth_or(false));
    case ValueKind::integer:
      return writer.integer(value.integer_or(0));
    case ValueKind::number:
      return writer.number(value.number_or(0));
    case ValueKind::text:
      return writer.text(value.text_or({}));
    case ValueKind::bytes:
      return writer.bytes(value.bytes_or({}));
    case ValueKind::timestamp:
      return writer.timestamp(value.timestamp_or(0));
    case ValueKind::ref:
      return writer.ref(value.text_or({}));
    case ValueKind::list:
      writer.begin_list();
      for (Value::Walk items(value); items.next();) rewrite(items.value(), writer);
      return writer.end_list();
    case ValueKind::record:
      writer.begin_record();
      for (Value::Walk fields(value); fields.next();) writer.field(fields.name()), rewrite(fields.value(), writer);
      return writer.end_record();
    default:
      return writer.null();
  }
}

}  // namespace grid::test
