// SPDX-License-Identifier: Apache-2.0

#include "server/epochs.h"

#include <algorithm>
#include <string>

namespace grid::server {

namespace {

// A fact "epoch/" + index (8 bytes big-endian): epoch and where it ended, 8 bytes each; the end is 0 while it lasts.
constexpr std::string_view kPrefix = "epoch/";

std::string name_of_epoch(std::uint64_t index) {
  std::string name(kPrefix);
  name.resize(kPrefix.size() + 8);
  store_be(index, reinterpret_cast<std::uint8_t*>(name.data()) + kPrefix.size());
  return name;
}

Status save(storage::Store& store, std::uint64_t index, std::uint64_t epoch, storage::Seq end) {
  std::uint8_t bytes[16];
  store_be(epoch, bytes);
  store_be(end, bytes + 8);
  return store.set_fact(name_of_epoch(index), bytes);
}

}  // namespace

void PullCursor::write(std::uint8_t* to) const {
  store_be(epoch, to);
  store_be(position, to + 8);
  store_be(scope_hash, to + 16);
}

Result<PullCursor> PullCursor::read(Bytes bytes) {
  if (bytes.size() != kBytes) return Status::corrupt;
  return PullCursor{load_be(bytes.data()), load_be(bytes.data() + 8), load_be(bytes.data() + 16)};
}

Status Epochs::close(storage::Store& store) {
  std::string last, after;
  for (;;) {
    const Result<storage::Store::Fact> fact = store.next_fact(kPrefix, after);
    if (fact.status() == Status::not_found) break;
    if (!fact.ok()) return fact.status();
    after = fact->name;
    if (fact->bytes.size() != 16) return Status::corrupt;
    last = load_be(fact->bytes.data() + 8) == 0 ? after : std::string();
  }
  if (last.empty()) return Status::ok;
  // An end of 0 would say that it lasts: an epoch in which nothing arrived is forgotten.
  if (store.head() == 0) return store.set_fact(last, {});
  const Result<Bytes> standing = store.fact(last);
  if (!standing.ok()) return standing.status();
  std::uint8_t bytes[16];
  copy(*standing, bytes);
  store_be(store.head(), bytes + 8);
  return store.set_fact(last, bytes);
}

Status Epochs::read(storage::Store& store) {
  std::string after;
  for (;;) {
    const Result<storage::Store::Fact> fact = store.next_fact(kPrefix, after);
    if (fact.status() == Status::not_found) break;
    if (!fact.ok()) return fact.status();
    after = fact->name;
    if (fact->bytes.size() != 16 || after.size() != kPrefix.size() + 8) return Status::corrupt;
    next_ = load_be(reinterpret_cast<const std::uint8_t*>(after.data()) + kPrefix.size()) + 1;
    past_.push_back({load_be(fact->bytes.data()), load_be(fact->bytes.data() + 8)});
  }
  // Of earlier ones, an end of 0 says that nothing of them was kept.
  is_open_ = !past_.empty() && past_.back().end == 0;
  if (is_open_) past_.back().end = store.head();
  return Status::ok;
}

Status Epochs::open(storage::Store& store, std::uint64_t epoch) {
  GRID_TRY(read(store));
  if (is_open_) GRID_TRY(save(store, next_ - 1, past_.back().epoch, past_.back().end));
  if (past_.size() >= kEpochsMax) {
    GRID_TRY(store.set_fact(name_of_epoch(next_ - past_.size()), {}));
    past_.erase(past_.begin());
  }
  current_ = epoch;
  return save(store, next_, epoch, 0);
}

Result<bool> Epochs::stands(storage::Store& store, const PullCursor& cursor) {
  Epochs chain;
  GRID_TRY(chain.read(store));
  return chain.stands(cursor);
}

storage::Seq Epochs::seen(const PullCursor& cursor) const {
  if (cursor.epoch == current_) return cursor.position;
  const auto past = std::find_if(past_.begin(), past_.end(), [&](const Past& p) { return p.epoch == cursor.epoch; });
  return past == past_.end() ? 0 : std::min(cursor.position, past->end);
}

bool Epochs::stands(const PullCursor& cursor) const {
  if (cursor.epoch == current_) return true;
  const auto past = std::find_if(past_.begin(), past_.end(), [&](const Past& p) { return p.epoch == cursor.epoch; });
  return past != past_.end() && cursor.position <= past->end;
}

}  // namespace grid::server
