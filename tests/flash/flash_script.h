// SPDX-License-Identifier: Apache-2.0
//
// FlashScript: what a flash store goes through in a sweep, the same for the same seed, with the model of all that it
// may hold after a cut. Unlike StoreScript it may be stopped by the store at any call: by no power, or by no room.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/contract/store_model.h"

namespace grid::test {

class FlashScript {
 public:
  explicit FlashScript(std::uint64_t seed) : dice_(seed) { note_seal(); }

  // False: the store failed, and the model has what it had taken before.
  bool step(storage::Store& store) {
    switch (below(9)) {
      case 0:
        return restamp(store);
      case 1:
      case 2:
        return move_marks(store);
      case 3:
        return set_fact(store);
      case 4:
        store.seal();
        note_seal();
        return true;
      default:
        for (std::uint64_t left = 1 + below(6); left > 0; --left) {
          if (!append(store)) return false;
        }
        return true;
    }
  }

  bool flush(storage::Store& store) {
    store.seal();
    note_seal();
    if (store.flush() != Status::ok) return false;
    sealed_.erase(sealed_.begin(), std::prev(sealed_.end()));
    store.flushed();
    return true;
  }

  static std::string text_of(storage::Store& store) {
    return marks(store.head(), store.shared(), store.settled()) + "|" + ops_of(store) + "|" + cells_of(store) + "|" +
           facts_of(store, "fact");
  }
  std::string text() const { return text_of(now_); }

  // The store was opened again and says `text`: false when it may not. It must be the end of a sealed batch, no earlier
  // than the one that was last reported durable.
  bool go_on_from(const std::string& text) {
    for (std::size_t i = sealed_.size(); i != 0; --i) {
      if (text_of(sealed_[i - 1]) != text) continue;
      now_ = Model(sealed_[i - 1]);
      sealed_ = {now_};
      return true;
    }
    return false;
  }
  std::uint64_t times_full() const { return times_full_; }

 private:
  static std::string marks(crdt::Seq head, crdt::Seq shared, crdt::Seq settled) {
    return std::to_string(head) + "/" + std::to_string(shared) + "/" + std::to_string(settled);
  }
  static std::string text_of(const Model& model) {
    return marks(model.entries.size(), model.shared, model.settled) + "|" + model.ops() + "|" + model.cells() + "|" +
           model.facts_text();
  }
  std::uint64_t below(std::uint64_t bound) { return dice_() % bound; }
  void note_seal() { sealed_.push_back(now_); }

  // Once more behind a flush when there is no room.
  template <typename Write>
  Status with_room(storage::Store& store, Write write) {
    Status status = write();
    if (status != Status::full) return status;
    ++times_full_;
    return flush(store) ? write() : Status::io;
  }

  bool append(storage::Store& store) {
    Entry entry;
    entry.key = "key" + std::to_string(below(24));
    entry.local = below(2) == 0;
    if (below(10) != 0) {
      entry.stamp = crdt::Stamp::of(1 + below(1'000), 0, 1);
      if (below(8) != 0) entry.value = std::string(below(12) == 0 ? below(900) : below(120), 'v') + "v";
    }
    if (with_room(store, [&] { return store.append(entry.op(0)).status(); }) != Status::ok) return false;
    now_.append(std::move(entry));
    return true;
  }

  bool restamp(storage::Store& store) {
    const crdt::Seq seq = now_.shared + 1 + below(4);
    const crdt::Stamp stamp = crdt::Stamp::of(2'000 + below(100), 0, 1);
    const Status status = with_room(store, [&] { return store.restamp(seq, stamp, 77); });
    if (status == Status::not_found) return true;
    if (status != Status::ok) return false;
    now_.restamp(seq, stamp, 77);
    return true;
  }

  bool move_marks(storage::Store& store) {
    const crdt::Seq head = now_.entries.size(), seq = head < 10 ? 0 : head - below(10);
    const bool settles = below(2) == 0;
    if ((settles ? store.settle(seq) : store.share(seq)) != Status::ok) return false;
    settles ? now_.settle(seq) : now_.share(seq);
    return true;
  }

  bool set_fact(storage::Store& store) {
    const std::string name = "fact" + std::to_string(below(8)), bytes(below(3) * below(20), 'f');
    if (with_room(store, [&] { return store.set_fact(name, as_bytes(bytes)); }) != Status::ok) return false;
    now_.set_fact(name, bytes);
    return true;
  }

  std::mt19937_64 dice_;
  Model now_;
  std::vector<Model> sealed_;  // The first is durable.
  std::uint64_t times_full_ = 0;
};

}  // namespace grid::test
