// SPDX-License-Identifier: Apache-2.0

#include "server/author.h"

#include <algorithm>

namespace grid::server {

Status Author::write(const crdt::CellName& name, Bytes value, std::uint64_t expires_ms, crdt::Stamp above) {
  // At the first write: a gateway without policies throws no dice for it.
  if (clock_.node() == 0) clock_ = crdt::Clock(random_.id(), {}, 0);
  bool raised = false;
  crdt::Op op{.cell = {name, {}, expires_ms, value}, .quality = crdt::ClockQuality::server};
  GRID_TRY(clock_.merge(std::max(above, journal_.greatest()), raised));
  GRID_TRY(clock_.tick(journal_.wall_ms(), op.cell.stamp, raised));
  return journal_.merge(op).status();
}

Status Author::renew(const crdt::CellName& name, crdt::Stamp above) {
  const Result<crdt::Op> standing = journal_.store().find(name);
  if (standing.status() == Status::not_found) return write(name, {}, 0, above);
  if (!standing.ok()) return standing.status();
  const std::string value(as_text(standing->cell.value));  // The store's view ends with the write.
  return write(name, as_bytes(value), standing->cell.expires_ms, std::max(above, standing->cell.stamp));
}

}  // namespace grid::server
