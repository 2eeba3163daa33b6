// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "tests/fuzz/target.h"
#include "tests/unit/crdt/value_rewrite.h"
#include "transport/json/value_json.h"

using grid::Bytes;
using grid::Status;
using grid::crdt::Value;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes encoded(data, size);
  if (grid::crdt::check_value(encoded) != Status::ok) return 0;

  std::vector<std::uint8_t> room(size + 64);
  grid::crdt::ValueWriter writer(room);
  grid::test::rewrite(Value(encoded), writer);
  const grid::Result<Bytes> again = writer.finish();
  GRID_CHECK(again.ok() && grid::equal(*again, encoded));

  if (size > grid::kValueBytesMax) return 0;
  std::string canonical;
  grid::json::JsonError error;
  const std::string text = grid::json::json_from_value(Value(encoded));
  GRID_CHECK(grid::json::value_from_json(text, canonical, error) == Status::ok);
  GRID_CHECK(canonical == grid::as_text(encoded));
  return 0;
}
