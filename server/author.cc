// SPDX-License-Identifier: Apache-2.0

#include "server/author.h"

#include <algorithm>

namespace grid::server {

namespace {

constexpr std::string_view kAuthor = "author";  // 8 bytes: the node id; crdt::ClockState
constexpr std::size_t kAuthorBytes = 8 + crdt::ClockState::kBytes;
constexpr std::uint64_t kLeadMs = 10'000;

}  // namespace

// At the first write: a gateway without policies keeps nothing of this.
Status Author::open() {
  if (clock_.node() != 0) return Status::ok;
  const Result<Bytes> kept = journal_.store().fact(kAuthor);
  if (kept.status() == Status::not_found) {
    clock_ = crdt::Clock(random_.id(), {}, kLeadMs);
    return Status::ok;
  }
  if (!kept.ok()) return kept.status();
  if (kept->size() != kAuthorBytes) return Status::corrupt;
  clock_ = crdt::Clock(load_be(kept->data()), crdt::ClockState::read(kept->data() + 8), kLeadMs);
  return Status::ok;
}

Status Author::save() {
  std::uint8_t bytes[kAuthorBytes];
  store_be(clock_.node(), bytes);
  clock_.state().write(bytes + 8);
  return journal_.store().set_fact(kAuthor, bytes);
}

Status Author::write(const crdt::CellName& name, Bytes value, std::uint64_t expires_ms, crdt::Stamp above) {
  GRID_TRY(open());
  bool raised = false;
  crdt::Op op{.cell = {name, {}, expires_ms, value}, .quality = crdt::ClockQuality::server};
  GRID_TRY(clock_.merge(std::max(above, journal_.greatest()), raised));
  GRID_TRY(clock_.tick(journal_.wall_ms(), op.cell.stamp, raised));
  // The clock first: behind it, an op that finds no room leaves a ceiling that is too high, and no harm.
  if (raised) GRID_TRY(save());
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
