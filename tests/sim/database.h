// SPDX-License-Identifier: Apache-2.0
//
// Database: the gateway's sink as a table in memory, which outlives the gateway's power cuts and may refuse for a
// while.
//
// Place     Beside disk.h. Takes rows by the guard of PROTOCOL P27, as every Sink does.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "crdt/cell.h"
#include "crdt/facts.h"
#include "storage/sink.h"
#include "transport/wire.h"

namespace grid::sim {

struct Database {
  struct Row {
    crdt::Stamp stamp;
    std::uint64_t expires_ms = 0;
    std::string value;
    crdt::Seq arrival = 0;
  };
  using Name = std::tuple<std::string, std::string, std::string>;

  std::map<Name, Row> rows;
  storage::SinkMark mark;

  static crdt::Cell cell(const Name& name, const Row& row) {
    return {{std::get<0>(name), std::get<1>(name), std::get<2>(name)}, row.stamp, row.expires_ms, as_bytes(row.value)};
  }

  // TRI-1
  bool is_buried(const crdt::CellName& name) const {
    const bool may_be = crdt::is_fact_sub(name.sub) && !crdt::is_marker(name.sub);
    return may_be && rows.contains({std::string(name.map), std::string(name.key), std::string(crdt::kMarker)});
  }

  // One transaction: the rows of an Ops frame, and how far the journal is drained.
  void take(Bytes frame, const storage::SinkMark& drained) {
    wire::OpsReader reader;
    GRID_CHECK(reader.open(frame) == Status::ok);
    for (crdt::Op op; reader.next(op);) {
      const Name name(op.cell.name.map, op.cell.name.key, op.cell.name.sub);
      const auto found = rows.find(name);
      if (found != rows.end() && !crdt::wins(op.cell, cell(name, found->second))) continue;
      if (found == rows.end() && op.seq <= mark.floor) continue;
      if (is_buried(op.cell.name)) continue;
      rows[name] = {op.cell.stamp, op.cell.expires_ms, std::string(as_text(op.cell.value)), op.seq};
    }
    mark = drained;
    std::erase_if(rows, [this](const auto& named) {
      const Row& row = named.second;
      if (is_buried(cell(named.first, row).name)) return true;
      const bool expired = row.expires_ms != 0 && row.expires_ms <= mark.expired_ms;
      return row.arrival <= mark.floor && (row.value.empty() || expired);
    });
  }
};

}  // namespace grid::sim
