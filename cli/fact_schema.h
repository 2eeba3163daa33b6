// SPDX-License-Identifier: Apache-2.0
//
// FactSchemaFile: what a file says of attributes: which are refs, which have many objects.
//
//     {"movie/cast": "refMany", "movie/year": {"type": "number", "required": true, "default": 1970}}
//
// Place     Above runtime/fact_schema.h and transport/json.
#pragma once

#include <string>
#include <vector>

#include "runtime/fact_schema.h"

namespace grid::cli {

class FactSchemaFile {
 public:
  FactSchemaFile() = default;  // Says nothing of any.
  // Throws a Failure that names the file, the attribute and what is wrong with it.
  FactSchemaFile(const std::string& file, const std::string& content);

  FactSchema schema() const { return FactSchema(attributes_); }

 private:
  void add(const std::string& file, std::string_view name, const crdt::Value& about);

  std::string record_;  // Canonical: names and defaults are views of it.
  std::vector<Attribute> attributes_;
};

// The schema of `file`; of none where its name is empty.
FactSchemaFile read_fact_schema(const std::string& file);

}  // namespace grid::cli
