// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "crdt/base/check.h"
#include "crdt/cell.h"
#include "crdt/value.h"
#include "tests/fuzz/target.h"
#include "transport/json/value_json.h"

using grid::Status;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = grid::as_text({data, size});
  std::string canonical;
  grid::json::JsonError error;
  if (grid::json::value_from_json(text, canonical, error) != Status::ok) {
    GRID_CHECK(canonical.empty() && !error.sentence.empty() && error.at <= size);
    GRID_CHECK(grid::crdt::is_utf8(error.sentence) && error.sentence.size() < 512);
    return 0;
  }
  GRID_CHECK(grid::crdt::check_value(grid::as_bytes(canonical)) == Status::ok);
  const std::string written = grid::json::json_from_value(grid::crdt::Value(grid::as_bytes(canonical)));
  std::string again;
  GRID_CHECK(grid::json::value_from_json(written, again, error) == Status::ok);
  GRID_CHECK(again == canonical);
  return 0;
}
