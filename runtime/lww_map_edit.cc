// SPDX-License-Identifier: Apache-2.0

#include "runtime/call.h"
#include "runtime/edits.h"

namespace grid::runtime {

using crdt::Op;

Status put_if(Editor& editor, const Call& call) {
  const crdt::CellName name{call.scope.map, call.scope.text, {}};
  const Result<Op> standing = editor.standing(name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  Version version;
  if (standing.ok() && standing->cell.is_live(editor.known_ms())) {
    version = Version::of(*standing, editor.is_pending(*standing));
  }
  if (version == call.expected) return editor.put_cell(name, call.value, call.ttl_ms);
  editor.problem().say("something else stands under ").text(call.scope.text).text(" than was expected");
  return Status::conflict;
}

}  // namespace grid::runtime
