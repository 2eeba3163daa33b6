// SPDX-License-Identifier: Apache-2.0
//
// gridd-postgres.so: PostgresSink behind the entry of storage/sink_module.h.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "crdt/base/check.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/sink_module.h"

namespace grid {

// The module brings its own, as it brings all that it calls.
void panic(const char* what) {
  std::fprintf(stderr, "gridd-postgres: %s\n", what);
  std::abort();
}

namespace storage {
namespace {

Sink* open(const SinkModuleOptions& options, Status& status, char* problem, std::size_t room) {
  std::string sentence;
  auto sink = PostgresSink::open({.url = options.url,
                                  .app = options.app,
                                  .schema = options.schema,
                                  .connect_ms = options.connect_ms,
                                  .statement_ms = options.statement_ms},
                                 status, sentence);
  std::snprintf(problem, room, "%s", sentence.c_str());
  return sink.release();
}

void close(Sink* sink) { delete static_cast<PostgresSink*>(sink); }

constexpr SinkModule kModule = {kSinkModuleAbi, GRID_VERSION, &open, &close};

}  // namespace
}  // namespace storage
}  // namespace grid

extern "C" __attribute__((visibility("default"))) const grid::storage::SinkModule* grid_sink_module() {
  return &grid::storage::kModule;
}
