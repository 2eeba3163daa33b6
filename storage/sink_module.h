// SPDX-License-Identifier: Apache-2.0
//
// SinkModule: how a program gets a Sink from a file that is loaded while it runs, so that the libraries of a database
// are only where that database is used.
//
// Place     Beside sink.h. server/host/sink_loader.h loads, storage/postgres/module.cc is loaded.
// Promises  Program and module are of one release: what crosses is C++. Whoever loads compares `abi` and `release`
//           before anything else, and these two never move.
// Ownership close() takes back what open() gave; the module stays loaded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "storage/sink.h"

namespace grid::storage {

inline constexpr std::uint32_t kSinkModuleAbi = 1;

// Strings that stand until open() returns.
struct SinkModuleOptions {
  const char* url;
  const char* app;
  const char* schema;
  std::uint32_t connect_ms;
  std::uint32_t statement_ms;
};

struct SinkModule {
  std::uint32_t abi;
  const char* release;
  // Null: `status` and `problem`, a sentence in what room there is, say why; they may do so of a sink too.
  Sink* (*open)(const SinkModuleOptions& options, Status& status, char* problem, std::size_t room);
  void (*close)(Sink* sink);
};

using SinkModuleEntry = const SinkModule* (*)();
// The name under which a module has its entry.
inline constexpr char kSinkModuleEntry[] = "grid_sink_module";

}  // namespace grid::storage
