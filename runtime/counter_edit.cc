// SPDX-License-Identifier: Apache-2.0

#include "crdt/pn_counter.h"
#include "runtime/call.h"
#include "runtime/edits.h"

namespace grid::runtime {

using crdt::CounterPart;
using crdt::Op;
using crdt::Sums;
using crdt::Value;

namespace {

bool grow(std::int64_t& sum, std::int64_t by) {
  if (by > INT64_MAX - sum) return false;
  sum += by;
  return true;
}

// False: the part is at its end.
bool add(Sums& sums, std::int64_t change) {
  return change >= 0 ? grow(sums.up, change) : change != INT64_MIN && grow(sums.down, -change);
}

}  // namespace

Status add_to_counter(Editor& editor, const Call& call) {
  const Value change(call.value);
  if (change.kind() != crdt::ValueKind::integer) {
    editor.problem().say("a counter takes whole numbers");
    return Status::invalid;
  }
  std::uint8_t sub[CounterPart::kNameBytes], value[CounterPart::kValueBytesMax];
  const crdt::CellName name{call.scope.map, call.scope.text, CounterPart::name(editor.node(), sub)};
  const Result<Op> standing = editor.standing(name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  CounterPart part = standing.ok() ? CounterPart::read(Value(standing->cell.value)) : CounterPart{};
  // An op that no link has seen goes when this one is written, and what it brought goes with this one.
  if (!standing.ok() || !editor.is_unshared(*standing)) part.fresh = {};
  if (!add(part.all, change.integer_or(0)) || !add(part.fresh, change.integer_or(0))) {
    editor.problem().say("this node's part of the counter ").text(call.scope.text).text(" is at its end");
    return Status::invalid;
  }
  return editor.put_cell(name, part.write(value), 0);
}

}  // namespace grid::runtime
