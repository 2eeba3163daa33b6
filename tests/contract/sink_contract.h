// SPDX-License-Identifier: Apache-2.0
//
// What the sink contract runs on: a database that can be opened again and again.
#pragma once

#include <memory>

#include "storage/sink.h"

namespace grid::test {

class SinkDisk {
 public:
  virtual ~SinkDisk() = default;
  // Opens the database that is there, or a new one; what is open before is closed.
  virtual storage::Sink& open() = 0;
};

using MakeSinkDisk = std::unique_ptr<SinkDisk> (*)();

// Runs the suite of sink_contract.cc; returns how many of its tests failed.
int run_sink_contract(const char* name, MakeSinkDisk make_disk);

}  // namespace grid::test
