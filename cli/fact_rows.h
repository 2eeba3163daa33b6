// SPDX-License-Identifier: Apache-2.0
//
// FactRows: what a file of facts says, read and checked as a whole: either every fact of it is good, or none is used.
//
//     [[1, "hut/name", "Olavsbu"], ...]                   JSON: subject, predicate, object
//     {"id": 1, "hut/name": "Olavsbu", "hut/offers": []}  records: NDJSON, or in a JSON array
//     [[:db/add 1 :hut/name "Olavsbu"] {:db/id 1 ...}]    EDN: a transaction of DataScript or Datomic
//
// Place     Above crdt/facts.h, runtime/fact_schema.h and transport/json. Knows no replica.
// Promises  Every fact that comes out can be written as it is. Trouble is a Failure that begins with FILE:LINE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/value.h"
#include "runtime/edit.h"
#include "runtime/fact_schema.h"

namespace grid::cli {

struct FactRow {
  using Verb = runtime::FactWrite::Verb;

  std::size_t line = 0;
  Verb verb = Verb::set;
  std::string entity;  // Its key.
  std::string predicate;
  std::string object;  // Canonical.
};

// `file` names the layout by its extension (.edn), or else `content` by how it begins.
std::vector<FactRow> read_facts(std::string_view file, std::string_view content, const FactSchema& schema);

}  // namespace grid::cli
