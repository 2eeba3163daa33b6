// SPDX-License-Identifier: Apache-2.0
//
// How an encrypted store is opened, made, and brought to another key.
//
// The label, a fact in the clear: version, the store's id, the id of its key, and while it is brought from one key to
// another the id of the old one.

#include "crdt/base/check.h"
#include "storage/encrypted/below.h"
#include "storage/encrypted/encrypted_store.h"
#include "storage/encrypted/sealed_fact.h"

namespace grid::storage {

using encrypted::CellBelow;
using encrypted::FactBelow;
using encrypted::kLabel;

namespace {

constexpr std::uint8_t kLabelVersion = 1;
constexpr std::size_t kStoreIdAt = 1;
constexpr std::size_t kKeyAt = kStoreIdAt + 16;
constexpr std::size_t kOldAt = kKeyAt + Sealer::kIdBytes;
constexpr std::size_t kLabelBytes = kOldAt;
constexpr std::size_t kRotatingLabelBytes = kOldAt + Sealer::kIdBytes;

}  // namespace

std::unique_ptr<EncryptedStore> EncryptedStore::open(RewritableStore& below, const EncryptedOptions& options,
                                                     Status& status, std::string& problem) {
  std::unique_ptr<EncryptedStore> store(new EncryptedStore(below, options));
  status = store->load();
  if (status == Status::ok) return store;
  problem = store->problem();
  return nullptr;
}

Result<bool> EncryptedStore::is_encrypted(Store& below) {
  const Result<Bytes> label = below.fact(kLabel);
  if (label.ok()) return true;
  if (label.status() == Status::not_found) return false;
  return label.status();
}

Status EncryptedStore::load() {
  const Result<Bytes> label = passed(below_.fact(kLabel));
  if (label.status() == Status::not_found) return make();
  if (!label.ok()) return label.status();
  GRID_TRY(read_label(*label));
  GRID_TRY(load_facts());
  GRID_TRY(load_cells());
  // Only now, when all has been read, is anything written.
  return is_rotating_ ? write_label() : Status::ok;
}

Status EncryptedStore::make() {
  const Result<Fact> fact = passed(below_.next_fact({}, {}));
  if (!fact.ok() && fact.status() != Status::not_found) return fact.status();
  if (fact.ok() || below_.head() != 0) {
    return fail(Status::invalid,
                "what is there is a store that is not encrypted: open it without a key, or begin anew");
  }
  options_.entropy(store_id_);
  sealer_.emplace(options_.key, nullptr, store_id_, options_.entropy);
  return write_label();
}

Status EncryptedStore::read_label(Bytes label) {
  if (!label.empty() && label[0] > kLabelVersion) return fail(Status::newer, "encrypted by a newer release");
  if ((label.size() != kLabelBytes && label.size() != kRotatingLabelBytes) || label[0] != kLabelVersion) {
    return fail(Status::corrupt, "what the store says of its encryption can't be read");
  }
  return accept(label.subspan(kKeyAt, Sealer::kIdBytes), label.subspan(kOldAt), label.subspan(kStoreIdAt, 16));
}

// `old` is empty unless the store is on its way from one key to another.
Status EncryptedStore::accept(Bytes key, Bytes old, Bytes store_id) {
  copy(store_id, store_id_);
  const Key* const old_key = options_.old_key ? &*options_.old_key : nullptr;
  const auto is = [&](const Key* given, Bytes id) {
    return given != nullptr && equal(Sealer::id_of(*given, store_id_), id);
  };
  const bool is_ours = is(&options_.key, key);
  const bool begins = !is_ours && old.empty() && is(old_key, key);
  if (!is_ours && !begins) {
    const bool was_ours = is(&options_.key, old);
    return fail(Status::denied, was_ours ? "this is the store's old key; it is on its way to another one"
                                         : "the key is not this store's; nothing was changed");
  }
  if (is_ours && !old.empty() && !is(old_key, old)) {
    return fail(Status::denied,
                "the store is on its way from another key to this one: give the old key too, until it has arrived");
  }
  is_rotating_ = begins || !old.empty();
  sealer_.emplace(options_.key, is_rotating_ ? old_key : nullptr, store_id_, options_.entropy);
  return Status::ok;
}

Status EncryptedStore::write_label() {
  std::array<std::uint8_t, kRotatingLabelBytes> label{};
  label[0] = kLabelVersion;
  copy(store_id_, MutBytes(label).subspan(kStoreIdAt));
  copy(Sealer::id_of(options_.key, store_id_), MutBytes(label).subspan(kKeyAt));
  if (is_rotating_) copy(Sealer::id_of(*options_.old_key, store_id_), MutBytes(label).subspan(kOldAt));
  return passed(below_.set_fact(kLabel, Bytes(label).first(is_rotating_ ? kRotatingLabelBytes : kLabelBytes)));
}

Status EncryptedStore::load_facts() {
  std::string name;
  for (;;) {
    const Result<Fact> below = passed(below_.next_fact("f", name));
    if (below.status() == Status::not_found) return Status::ok;
    if (!below.ok()) return below.status();
    name = below->name;
    std::uint64_t number = 0;
    std::size_t part = 0;
    const bool is_first = FactBelow::read(name, number, part) && part == 0;
    std::string piece(as_text(below->bytes));
    const std::string where = "fact " + std::to_string(number);
    if (!is_first) return fail(Status::corrupt, where + " is not whole");
    for (part = 1; part < FactBelow::kParts; ++part) {
      const std::string part_name(FactBelow(number, part).name());
      const Result<Bytes> more = passed(below_.fact(part_name));
      if (!more.ok() && more.status() != Status::not_found) return more.status();
      if (!more.ok()) continue;
      piece.append(as_text(*more));
      name = part_name;
    }
    if (piece.size() < Sealer::kOverhead) return fail(Status::corrupt, where + " is not encrypted");
    const MutBytes plain = plain_.take(piece.size() - Sealer::kOverhead);
    const Status status = sealer_->open(FactBelow(number, 0).place(), as_bytes(piece), plain);
    Fact fact;
    if (status != Status::ok || !read_sealed_fact(plain, fact)) {
      return fail(status == Status::newer ? status : Status::corrupt,
                  where + " is damaged: it is not what was encrypted there");
    }
    fact_numbers_ = std::max(fact_numbers_, number);
    facts_[std::string(fact.name)] = {std::string(as_text(fact.bytes)), number, sealer_->is_current(as_bytes(piece))};
  }
}

Status EncryptedStore::load_cells() {
  std::uint64_t cell = 0;
  bool is_first = true;
  for (;;) {
    const CellBelow after(cell);
    const Result<crdt::Op> below = passed(below_.next_cell(is_first ? crdt::CellName{} : after.view()));
    if (below.status() == Status::not_found) return Status::ok;
    const Result<crdt::Op> op = opened(below);
    if (!op.ok()) return op.status();
    is_first = false;
    GRID_CHECK(CellBelow::read(below->cell.name, cell));
    const bool is_new = index_.emplace(Name(op->cell.name), Place{op->seq, cell}).second;
    if (!is_new) return fail_at(op->seq, Status::corrupt, "has the name of another one that stands");
  }
}

Status EncryptedStore::rotate(std::size_t pieces) {
  while (is_rotating_ && pieces > 0) {
    const Result<crdt::Op> below = passed(below_.next_op(rotated_));
    if (below.status() == Status::not_found) {
      GRID_TRY(rotate_facts(pieces));
      if (pieces == 0) return Status::ok;
      is_rotating_ = false;
      const Status status = write_label();
      is_rotating_ = status != Status::ok;
      return status;
    }
    if (!below.ok()) return below.status();
    if (!sealer_->is_current(below->cell.value)) {
      const Result<crdt::Op> op = opened(below);
      if (!op.ok()) return op.status();
      GRID_TRY(reseal(*below, *op));
    }
    rotated_ = below->seq;
    --pieces;
  }
  return Status::ok;
}

Status EncryptedStore::rotate_facts(std::size_t& pieces) {
  for (auto& [name, kept] : facts_) {
    if (kept.is_current) continue;
    if (pieces == 0) return Status::ok;
    GRID_TRY(put_fact(name, as_bytes(kept.bytes), kept.number));
    kept.is_current = true;
    --pieces;
  }
  return Status::ok;
}

}  // namespace grid::storage
