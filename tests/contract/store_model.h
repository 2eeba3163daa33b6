// SPDX-License-Identifier: Apache-2.0
//
// Model: what a store holds, so plain that it can't be wrong: a list of all that was ever appended, looked through from
// end to end. Copy it to remember a moment.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/contract/store_text.h"

namespace grid::test {

struct Entry {
  std::string key, sub, value;
  crdt::Stamp stamp;
  std::uint64_t expires_ms = 0;
  bool local = false;
  bool gone = false;      // For every reader.
  bool standing = false;  // In the index.

  crdt::Op op(crdt::Seq seq) const {
    crdt::Op op;
    op.seq = seq;
    op.cell = {{"map", key, sub}, stamp, expires_ms, as_bytes(value)};
    op.local = local;
    return op;
  }
};

struct Model {
  std::vector<Entry> entries;  // Sequence 1 is the first.
  std::map<std::string, std::string> facts;
  crdt::Seq shared = 0, settled = 0;

  void append(Entry entry) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& old = entries[i];
      if (!old.standing || old.key != entry.key || old.sub != entry.sub) continue;
      const crdt::Seq seq = i + 1;
      old.standing = false;
      old.gone = !(old.local && settled < seq && seq <= shared);
    }
    entry.gone = entry.stamp.is_none();
    entry.standing = !entry.gone;
    entries.push_back(std::move(entry));
  }

  void restamp(crdt::Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
    entries[seq - 1].stamp = stamp;
    entries[seq - 1].expires_ms = expires_ms;
  }

  void share(crdt::Seq seq) { shared = std::max(shared, seq); }

  void settle(crdt::Seq seq) {
    settled = std::max(settled, seq);
    share(settled);
    for (std::size_t i = 0; i < settled; ++i) entries[i].gone |= !entries[i].standing;
  }

  void set_fact(const std::string& name, const std::string& bytes) {
    facts.erase(name);
    if (!bytes.empty()) facts[name] = bytes;
  }

  std::string ops() const {
    std::string text;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].gone) continue;
      text += (text.empty() ? "" : " ") + std::to_string(i + 1) + ":" + text_of(entries[i].op(i + 1));
    }
    return text;
  }

  std::string cells() const {
    std::map<std::pair<std::string, std::string>, std::string> sorted;
    for (const Entry& entry : entries) {
      if (entry.standing) sorted[{entry.key, entry.sub}] = text_of(entry.op(0));
    }
    std::string text;
    for (const auto& [name, cell] : sorted) text += (text.empty() ? "" : " ") + cell;
    return text;
  }

  std::string facts_text() const {
    std::string text;
    for (const auto& [name, bytes] : facts) text += (text.empty() ? "" : " ") + name + "=" + bytes;
    return text;
  }
};

}  // namespace grid::test
