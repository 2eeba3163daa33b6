// SPDX-License-Identifier: Apache-2.0
//
// Parameters of a query, as the query engine takes them.
//
// Place     Within ports/linux only.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "crdt/query/trouble.h"
#include "runtime/grid/grid.h"

namespace grid {

// Parameters as values, each in memory of its own.
class Parameters {
 public:
  //   invalid, too_large  A value can't be written.
  Status fill(std::initializer_list<Field> fields, MutBytes scratch) {
    values_.reserve(fields.size());
    for (const Field& field : fields) {
      ValueWriter writer(scratch);
      field.value.write(writer);
      const Result<Bytes> value = writer.finish();
      if (!value.ok()) return value.status() == Status::full ? Status::too_large : value.status();
      values_.emplace_back(value->begin(), value->end());
      all_.push_back({field.name, Value(values_.back())});
    }
    return Status::ok;
  }
  std::span<const query::Parameter> all() const { return all_; }

 private:
  std::vector<std::vector<std::uint8_t>> values_;
  std::vector<query::Parameter> all_;
};

}  // namespace grid
