// SPDX-License-Identifier: Apache-2.0
#include "cli/inputs.h"

#include "cli/argument.h"
#include "cli/failure.h"

namespace grid::cli {

using crdt::Value;

Inputs::Inputs(const std::string& json) {
  if (json.empty()) return;
  canonical_ = value_argument(json, "--in");
  const Value list{as_bytes(canonical_)};
  if (list.kind() != crdt::ValueKind::list) {
    throw Failure(Exit::usage, "--in: a JSON array is wanted, with an element for each input");
  }
  for (Value::Walk walk(list); walk.next();) values_.push_back(walk.value());
}

}  // namespace grid::cli
