// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/store_script.h"

#include <algorithm>

#include "tests/check.h"

namespace grid::test {

using crdt::Seq;
using crdt::Stamp;
using storage::Store;

namespace {

// Long enough for pages of its own now and then.
constexpr std::size_t kLongValueBytes = 9'000;

std::string text_of_marks(Seq head, Seq shared, Seq settled) {
  return std::to_string(head) + "/" + std::to_string(shared) + "/" + std::to_string(settled);
}

}  // namespace

void StoreScript::step(Store& store) {
  switch (below(8)) {
    case 0:
      return restamp(store);
    case 1:
      return move_marks(store);
    case 2:
      return set_fact(store);
    case 3:
      store.seal();
      return seal();
    default:
      for (std::uint64_t left = 1 + below(6); left > 0; --left) append(store);
  }
}

void StoreScript::append(Store& store) {
  Entry entry;
  entry.key = "key" + std::to_string(below(30));
  entry.local = below(2) == 0;
  if (below(12) != 0) {
    entry.stamp = Stamp::of(1 + below(1'000), 0, 1);
    entry.value = std::string(below(20) == 0 ? below(kLongValueBytes) : below(300), 'v') + "v";
  }
  assert_ok(store.append(entry.op(0)).status());
  now_.append(std::move(entry));
}

void StoreScript::restamp(Store& store) {
  const Seq seq = now_.shared + 1 + below(4);
  const Stamp stamp = Stamp::of(2'000 + below(100), 0, 1);
  if (store.restamp(seq, stamp, 77) == Status::ok) now_.restamp(seq, stamp, 77);
}

void StoreScript::move_marks(Store& store) {
  const Seq head = now_.entries.size(), seq = head < 10 ? 0 : head - below(10);
  if (below(2) == 0) {
    assert_ok(store.share(seq));
    now_.share(seq);
  } else {
    assert_ok(store.settle(seq));
    now_.settle(seq);
  }
}

void StoreScript::set_fact(Store& store) {
  const std::string name = "fact" + std::to_string(below(8)), bytes(below(4), 'f');
  assert_ok(store.set_fact(name, as_bytes(bytes)));
  now_.set_fact(name, bytes);
}

Status StoreScript::flush(Store& store) {
  store.seal();
  seal();
  const Status status = store.flush();
  if (status != Status::ok) return status;
  sealed_.erase(sealed_.begin(), std::prev(sealed_.end()));
  store.flushed();
  return Status::ok;
}

std::string StoreScript::text_of(Store& store) {
  return text_of_marks(store.head(), store.shared(), store.settled()) + "|" + ops_of(store) + "|" + cells_of(store) +
         "|" + facts_of(store, "fact");
}

std::string StoreScript::text_of(const Model& model) {
  return text_of_marks(model.entries.size(), model.shared, model.settled) + "|" + model.ops() + "|" + model.cells() +
         "|" + model.facts_text();
}

bool StoreScript::may_hold(const std::string& text) const {
  return std::any_of(sealed_.begin(), sealed_.end(), [&text](const Moment& moment) { return moment.text == text; });
}

bool StoreScript::go_on_from(const std::string& text) {
  const auto found =
      std::find_if(sealed_.rbegin(), sealed_.rend(), [&text](const Moment& moment) { return moment.text == text; });
  if (found == sealed_.rend()) return false;
  now_ = found->model;
  sealed_ = {Moment(*found)};
  return true;
}

}  // namespace grid::test
