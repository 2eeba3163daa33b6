// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes; encrypted_open.cc has what happens before the first of them, and rotation.

#include "storage/encrypted/encrypted_store.h"

#include "crdt/base/check.h"
#include "storage/encrypted/below.h"
#include "storage/encrypted/sealed_fact.h"
#include "storage/op_bytes.h"

namespace grid::storage {

using encrypted::CellBelow;
using encrypted::FactBelow;
using encrypted::OpPlace;

EncryptedStore::Name::Name(const crdt::CellName& name)
    : bytes(std::string(name.map).append(name.key).append(name.sub)),
      map(static_cast<std::uint16_t>(name.map.size())),
      key(static_cast<std::uint16_t>(name.key.size())) {}

crdt::CellName EncryptedStore::Name::view() const {
  const std::string_view all = bytes;
  return {all.substr(0, map), all.substr(map, key), all.substr(std::size_t{map} + key)};
}

MutBytes EncryptedStore::Scratch::take(std::size_t size) {
  if (size > room_.size()) {
    wipe(room_);
    bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(2 * size);
    room_ = {bytes_.get(), 2 * size};
  }
  return room_.first(size);
}

Status EncryptedStore::check(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  if (op.cell.value.size() > options_.value_bytes_max) {
    return fail(Status::too_large, "the value has " + std::to_string(op.cell.value.size()) +
                                       " bytes, and this store keeps up to " +
                                       std::to_string(options_.value_bytes_max));
  }
  if (name.map.size() > kMapBytesMax || name.key.size() > kKeyBytesMax || name.sub.size() > kSubBytesMax) {
    return fail(Status::too_large, "a part of the cell's name is longer than its limit");
  }
  return Status::ok;
}

MutBytes EncryptedStore::sealed(Seq seq, std::uint64_t cell, const crdt::Op& op) {
  const std::size_t size = op_bytes_size(op);
  const MutBytes piece = piece_.take(size + Sealer::kOverhead);
  write_op_bytes(op, piece.subspan(Sealer::kHeadBytes, size));
  sealer_->seal(OpPlace(seq, cell, op.local).bytes(), piece);
  return piece;
}

Result<Seq> EncryptedStore::append(const crdt::Op& op) {
  GRID_TRY(check(op));
  const auto standing = index_.find(op.cell.name);
  const bool is_erasure = op.cell.stamp.is_none();
  const Seq seq = below_.head() + 1;
  const std::uint64_t cell = standing == index_.end() ? seq : standing->second.cell;
  const CellBelow name(cell);
  crdt::Op under;
  under.cell.name = name.view();
  under.local = op.local;
  if (!is_erasure) {
    under.cell.stamp = encrypted::kStamp;
    under.cell.value = sealed(seq, cell, op);
  }
  const Result<Seq> appended = passed(below_.append(under));
  if (!appended.ok()) return appended;
  GRID_CHECK(*appended == seq);
  if (!is_erasure && standing != index_.end()) {
    standing->second.seq = seq;
  } else if (!is_erasure) {
    index_.emplace(Name(op.cell.name), Place{seq, cell});
  } else if (standing != index_.end()) {
    index_.erase(standing);
  }
  return seq;
}

Status EncryptedStore::has_room(std::size_t appends, std::size_t bytes) {
  return passed(below_.has_room(appends, bytes + appends * (Sealer::kOverhead + kOpBytesAside + CellBelow::kBytes)));
}

Status EncryptedStore::restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
  if (stamp.is_none()) return fail(Status::invalid, "an op can't be restamped with no stamp");
  const auto none = [&] { return fail(Status::not_found, "no unshared local op has sequence " + std::to_string(seq)); };
  if (seq <= below_.shared()) return none();
  const Result<crdt::Op> under = passed(below_.next_op(seq - 1));
  if (under.status() == Status::not_found) return none();
  Result<crdt::Op> op = opened(under);
  if (!op.ok()) return op.status();
  if (op->seq != seq || !op->local) return none();
  op->cell.stamp = stamp;
  op->cell.expires_ms = expires_ms;
  return reseal(*under, *op);
}

Status EncryptedStore::reseal(const crdt::Op& below, const crdt::Op& op) {
  std::uint64_t cell = 0;
  GRID_CHECK(CellBelow::read(below.cell.name, cell));  // opened() has read it before.
  return passed(below_.rewrite(below.seq, sealed(below.seq, cell, op)));
}

Result<crdt::Op> EncryptedStore::opened(const Result<crdt::Op>& below) {
  if (!below.ok()) return below.status();
  const Bytes piece = below->cell.value;
  std::uint64_t cell = 0;
  if (!CellBelow::read(below->cell.name, cell) || piece.size() < Sealer::kOverhead) {
    return fail_at(below->seq, Status::corrupt, "is not encrypted: another program has written to this store");
  }
  const MutBytes plain = plain_.take(piece.size() - Sealer::kOverhead);
  const Status status = sealer_->open(OpPlace(below->seq, cell, below->local).bytes(), piece, plain);
  if (status == Status::newer) return fail_at(below->seq, status, "was encrypted by a newer release");
  if (status == Status::denied)
    return fail_at(below->seq, Status::corrupt, "is encrypted under a key that is not here");
  crdt::Op op;
  if (status != Status::ok || !read_op_bytes(plain, op) || op.cell.stamp.is_none()) {
    return fail_at(below->seq, Status::corrupt, "is damaged: it is not what was encrypted there");
  }
  op.seq = below->seq;
  op.local = below->local;
  return op;
}

Result<crdt::Op> EncryptedStore::at(Seq seq) {
  Result<crdt::Op> op = opened(passed(below_.next_op(seq - 1)));
  if (op.status() != Status::not_found && (!op.ok() || op->seq == seq)) return op;
  return fail(Status::corrupt, "record " + std::to_string(seq) + " stands, and the log lacks it");
}

Result<crdt::Op> EncryptedStore::find(const crdt::CellName& name) {
  const auto found = index_.find(name);
  if (found == index_.end()) return Status::not_found;
  return at(found->second.seq);
}

Result<crdt::Op> EncryptedStore::next_cell(const crdt::CellName& after) {
  const auto found = index_.upper_bound(after);
  if (found == index_.end()) return Status::not_found;
  return at(found->second.seq);
}

Result<crdt::Op> EncryptedStore::next_op(Seq after) { return opened(passed(below_.next_op(after))); }

Status EncryptedStore::set_fact(std::string_view name, Bytes bytes) {
  if (name.empty()) return fail(Status::invalid, "a fact needs a name");
  if (name.size() > kFactNameBytesMax) return fail(Status::too_large, "a fact's name is longer than its limit");
  if (bytes.size() > kFactBytesMax) {
    return fail(Status::too_large, "the fact " + std::string(name) + " is longer than the limit for facts");
  }
  const auto kept = facts_.find(name);
  if (bytes.empty() && kept == facts_.end()) return Status::ok;
  const std::uint64_t number = kept == facts_.end() ? fact_numbers_ + 1 : kept->second.number;
  GRID_TRY(put_fact(name, bytes, number));
  if (bytes.empty()) {
    facts_.erase(kept);
    return Status::ok;
  }
  fact_numbers_ = std::max(fact_numbers_, number);
  facts_.insert_or_assign(std::string(name), KeptFact{std::string(as_text(bytes)), number, true});
  return Status::ok;
}

// In two parts, of which the second is often empty: both or none of them find room.
Status EncryptedStore::put_fact(std::string_view name, Bytes bytes, std::uint64_t number) {
  constexpr std::size_t kBookkeepingBytes = 512;
  const Fact fact{name, bytes};
  const std::size_t size = bytes.empty() ? 0 : sealed_fact_size(fact) + Sealer::kOverhead;
  GRID_TRY(passed(below_.has_room(0, size + FactBelow::kParts * (FactBelow::kBytes + kBookkeepingBytes))));
  const MutBytes piece = piece_.take(size);
  if (size != 0) {
    write_sealed_fact(fact, piece.subspan(Sealer::kHeadBytes, sealed_fact_size(fact)));
    sealer_->seal(FactBelow(number, 0).place(), piece);
  }
  Bytes rest = piece;
  for (std::size_t part = 0; part < FactBelow::kParts; ++part) {
    const Bytes here = rest.first(std::min(rest.size(), kFactBytesMax));
    GRID_TRY(passed(below_.set_fact(FactBelow(number, part).name(), here)));
    rest = rest.subspan(here.size());
  }
  return Status::ok;
}

Result<Bytes> EncryptedStore::fact(std::string_view name) {
  const auto found = facts_.find(name);
  if (found == facts_.end()) return Status::not_found;
  return as_bytes(found->second.bytes);
}

Result<Store::Fact> EncryptedStore::next_fact(std::string_view prefix, std::string_view after) {
  const auto found = after < prefix ? facts_.lower_bound(prefix) : facts_.upper_bound(after);
  if (found == facts_.end() || !std::string_view(found->first).starts_with(prefix)) return Status::not_found;
  return Fact{found->first, as_bytes(found->second.bytes)};
}

Status EncryptedStore::flush() {
  const Status status = below_.flush();
  if (status != Status::ok) is_ours_ = false;
  return status;
}

const char* EncryptedStore::problem() const { return is_ours_ ? problem_.c_str() : below_.problem(); }

Status EncryptedStore::fail(Status status, std::string sentence) {
  problem_ = "encrypted store: " + std::move(sentence);
  is_ours_ = true;
  return status;
}

Status EncryptedStore::fail_at(Seq seq, Status status, const char* what) {
  return fail(status, "record " + std::to_string(seq) + " of the log " + what);
}

Status EncryptedStore::passed(Status status) {
  if (status != Status::ok && status != Status::not_found) is_ours_ = false;
  return status;
}

}  // namespace grid::storage
