// SPDX-License-Identifier: Apache-2.0
//
// SchemaMap: a map whose records are held against a schema before they are written (runtime/schema.h).
//
// Place     Beside grid.h: who does not use it links none of it.
// Promises  A record that is not as its schema says is refused here, with the path of the field in problem(). Fields
// that
//           the schema does not name are kept by update(). Reads take what other versions have written: a field of the
//           wrong kind is as if it were not there, and counted.
// Ownership The schema must outlive it; the rest as in grid.h.
#pragma once

#include "runtime/grid/grid.h"
#include "runtime/schema.h"

namespace grid {

class SchemaMap {
 public:
  SchemaMap(Node& node, std::string_view name, const Schema& schema)
      : driver_(&node.driver()), map_(node.map(name)), schema_(&schema) {}

  // As those of Map; `invalid` also where the record, as it would stand, breaks the schema.
  Write put(std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms = 0);
  Write put(std::string_view key, const Value& record, std::uint64_t ttl_ms = 0);
  Write update(std::string_view key, std::initializer_list<Field> fields, std::uint64_t ttl_ms = 0);
  Write remove(std::string_view key) { return map_.remove(key); }

  Value get(std::string_view key) const { return map_.get(key); }
  // Of a record of this map, with the schema's defaults.
  double number(const Value& record, std::string_view path) { return schema_->number(record, path, mistyped_); }
  std::string_view text(const Value& record, std::string_view path) { return schema_->text(record, path, mistyped_); }
  Value read(const Value& record, std::string_view path) { return schema_->read(record, path, mistyped_); }
  // Reads that found something of another kind.
  std::uint64_t mistyped_count() const { return mistyped_; }

  // The map without its schema.
  Map& map() { return map_; }

 private:
  Status check(std::string_view key, const Value& record);

  Driver* driver_;
  Map map_;
  const Schema* schema_;
  std::uint64_t mistyped_ = 0;
};

}  // namespace grid
