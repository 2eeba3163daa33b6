// SPDX-License-Identifier: Apache-2.0

#include "crdt/or_map.h"
#include "crdt/stub.h"
#include "runtime/call.h"
#include "runtime/edits.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::Op;
using crdt::OrTag;

Status add_to_set(Editor& editor, const Call& call) {
  std::uint8_t bytes[OrTag::kBytes];
  const std::string_view tag = OrTag{editor.node(), editor.next_seq()}.write(bytes);
  return editor.put_cell({call.scope.map, call.scope.text, tag}, call.value, call.ttl_ms);
}

namespace {

// What was never sent leaves nothing behind; there is nobody else who could know it.
Status bury(Editor& editor, const Op& op, const CellName& name) {
  return editor.is_unshared(op) && op.base.is_none() ? editor.withdraw(op) : editor.put_cell(name, {}, 0);
}

}  // namespace

Status remove_from_set(Editor& editor, const Call& call) {
  std::uint8_t bytes[OrTag::kBytes];
  CellName at{call.scope.map, call.scope.text, {}};
  for (std::size_t removed = 0;;) {
    const Result<Op> op = editor.behind(at);
    const bool is_over = !op.ok() || op->cell.name.map != at.map || op->cell.name.key != at.key;
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (is_over) return removed > 0 ? Status::ok : Status::not_found;
    if (!OrTag::is(op->cell.name.sub)) return Status::not_found;  // Another view's key.
    at.sub = OrTag::read(op->cell.name.sub).write(bytes);
    if (!op->cell.is_live(editor.known_ms())) continue;
    if (!call.value.empty() && !equal(op->cell.value, call.value)) continue;
    GRID_TRY(bury(editor, *op, at));
    ++removed;
  }
}

}  // namespace grid::runtime
