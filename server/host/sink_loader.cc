// SPDX-License-Identifier: Apache-2.0

#include "server/host/sink_loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>

#include "storage/sink_module.h"

namespace grid::server {

namespace {

constexpr char kModuleFile[] = "gridd-postgres.so";

// Beside the program, as in a build; or where packages put it.
std::string module_path() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const std::filesystem::path beside = program.parent_path() / kModuleFile;
    if (std::filesystem::exists(beside, error)) return beside.native();
  }
  return std::string(GRID_MODULE_DIR "/") + kModuleFile;
}

const storage::SinkModule* load_module(Status& status, std::string& problem) {
  const std::string path = module_path();
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    status = Status::not_found;
    problem = "there is no " + path + ", which this database needs: install gridd-postgres";
    return nullptr;
  }
  // It stays: a sink's code must outlive the sink.
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* const entry = module == nullptr ? nullptr : ::dlsym(module, storage::kSinkModuleEntry);
  if (entry == nullptr) {
    status = Status::invalid;
    const char* const why = ::dlerror();
    problem = path + " can't be loaded: " + (why == nullptr ? "it is no module of gridd" : why);
    return nullptr;
  }
  const storage::SinkModule* const found = reinterpret_cast<storage::SinkModuleEntry>(entry)();
  if (found->abi == storage::kSinkModuleAbi && found->release == std::string_view(GRID_VERSION)) return found;
  status = Status::newer;
  problem = path + " is of gridd " + found->release +
            ", and this is gridd " GRID_VERSION ": install gridd and gridd-postgres of the same version";
  return nullptr;
}

OpenSink open_sqlite(const std::string& file, const storage::SearchConfig& search) {
  OpenSink open;
  auto sink = storage::SqliteSink::open(file, open.status, open.problem, search);
  open.searchable = sink.get();
  open.sink = SinkHandle(sink.release(), [](storage::Sink* at) { delete static_cast<storage::SqliteSink*>(at); });
  return open;
}

}  // namespace

OpenSink open_sink(const config::SinkSettings& settings, const std::string& app, const std::string& file,
                   const storage::SearchConfig& search) {
  if (settings.type == "sqlite") return open_sqlite(file, search);
  OpenSink open;
  const storage::SinkModule* const module = load_module(open.status, open.problem);
  if (module == nullptr) return open;
  const std::string schema = settings.schema.empty() ? "grid_" + app : settings.schema;
  char problem[1'024] = {};
  const storage::SinkModuleOptions options{.url = settings.url.c_str(),
                                           .app = app.c_str(),
                                           .schema = schema.c_str(),
                                           .connect_ms = static_cast<std::uint32_t>(settings.connect_timeout.ms),
                                           .statement_ms = static_cast<std::uint32_t>(settings.statement_timeout.ms)};
  storage::Sink* const sink = module->open(options, open.status, problem, sizeof(problem));
  open.problem = problem;
  open.sink = SinkHandle(sink, module->close);
  return open;
}

}  // namespace grid::server
