// SPDX-License-Identifier: Apache-2.0
//
// sink_loader: the database of an app, as it is configured: SQLite, which gridd has in it, or one of a module.
//
// Place     Below app_host.h, above storage/. The only file that loads code while gridd runs.
// Ownership A SinkHandle owns its sink, whoever built it.
#pragma once

#include <memory>
#include <string>

#include "server/host/config/settings.h"
#include "storage/sqlite/sqlite_sink.h"

namespace grid::server {

using SinkHandle = std::unique_ptr<storage::Sink, void (*)(storage::Sink*)>;

// What an app drains into.
struct OpenSink {
  SinkHandle sink{nullptr, nullptr};
  storage::SqliteSink* searchable = nullptr;  // The same, where it has a search or could have one.
  // A server that is not there yet, or has another writer, is opened all the same: `status` is busy then.
  Status status = Status::ok;
  std::string problem;
};

// `file` and `search` are SQLite's. Without a sink, `status` and `problem` say why:
//   not_found  There is no such module.
//   newer      It is of another release; or as the sink says.
//   otherwise  as SqliteSink::open() and SinkModule::open()
OpenSink open_sink(const config::SinkSettings& settings, const std::string& app, const std::string& file,
                   const storage::SearchConfig& search);

}  // namespace grid::server
