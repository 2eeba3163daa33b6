// SPDX-License-Identifier: Apache-2.0

#include "storage/image/image_salvage.h"

#include <algorithm>
#include <map>

namespace grid::storage {

using flash::Address;
using flash::kUnitBytes;

namespace {

class Salvager {
 public:
  explicit Salvager(const ImageLog& log) : log_(log) {}

  Salvage run() {
    for (const std::uint32_t sector : log_.order()) take(sector, log_.sectors()[sector].end);
    if (log_.order().empty()) take_all();
    note_unreadable_sectors();
    for (const auto& [name, op] : standing_) {
      if (op.cell.is_tombstone()) continue;
      result_.rows.push_back({op, op.local && op.seq > log_.commit().settled});
    }
    std::stable_sort(result_.skipped.begin(), result_.skipped.end(),
                     [](const Finding& a, const Finding& b) { return a.offset < b.offset; });
    return std::move(result_);
  }

 private:
  void skip(std::uint64_t offset, std::string what) { result_.skipped.push_back({offset, std::move(what)}); }

  void take(std::uint32_t sector, Address end) {
    log_.walk(
        log_.begin_of(sector), end, [this](const ImageRecord& record) { take(record); },
        [this](Address from, Address to) {
          skip(std::uint64_t{from} * kUnitBytes,
               std::to_string((to - from) * kUnitBytes) + " bytes are no whole record");
        });
    if (log_.order().empty() || sector != log_.order().back()) return;
    if (const auto rest = log_.programmed_in(end, log_.end_of(sector))) {
      result_.unsure.push_back({*rest, "no commit closes what is here"});
    }
  }

  // The newest record of a name stands. An erasure does too, without a value, so that nothing older does.
  void take(const ImageRecord& record) {
    if (record.head.kind != flash::Kind::op && record.head.kind != flash::Kind::erasure) return;
    const crdt::Op op = flash::view_of(record.head, record.bytes);
    const std::uint64_t offset = std::uint64_t{record.at} * kUnitBytes;
    if (crdt::check_name(op.cell.name) != Status::ok) return skip(offset, "a record with a name that none can have");
    const auto [there, is_new] = standing_.try_emplace(op.cell.name, op);
    if (!is_new && op.seq >= there->second.seq) there->second = op;
  }

  void take_all() {
    skip(0, "no commit can be read, so all whole records were taken");
    std::vector<std::uint32_t> sectors;
    for (std::uint32_t i = 0; i < log_.sectors().size(); ++i) {
      if (log_.sectors()[i].generation != 0) sectors.push_back(i);
    }
    std::sort(sectors.begin(), sectors.end(), [this](std::uint32_t a, std::uint32_t b) {
      return log_.sectors()[a].generation < log_.sectors()[b].generation;
    });
    for (const std::uint32_t sector : sectors) {
      const auto record = [this](const ImageRecord& found) { take(found); };
      log_.walk(log_.begin_of(sector), log_.end_of(sector), record, [](Address, Address) {});
    }
  }

  void note_unreadable_sectors() {
    for (const MissingSector& missing : log_.missing()) {
      skip(std::uint64_t{missing.successor} * log_.sector_bytes(),
           "the sector before this one is missing from the log: generation " + std::to_string(missing.generation));
    }
  }

  const ImageLog& log_;
  std::map<crdt::CellName, crdt::Op> standing_;
  Salvage result_;
};

}  // namespace

Salvage salvage_image(const ImageLog& log) { return Salvager(log).run(); }

}  // namespace grid::storage
