// SPDX-License-Identifier: Apache-2.0

#include "server/host/opener.h"

#include <algorithm>
#include <utility>

#include "server/host/quiet_thread.h"

namespace grid::server {

Opener::~Opener() {
  for (const auto& work : working_) work->thread.join();
}

void Opener::open(const std::string& app, const std::string& directory, AppConfig config, bool has_server) {
  auto work = std::make_unique<Work>();
  work->directory = directory;
  work->config = std::move(config);
  work->opened.app = app;
  work->has_server = has_server;
  if (!has_server) return start(std::move(work));
  waiting_.push_back(std::move(work));
  start_next();
}

void Opener::start(std::unique_ptr<Work> begun) {
  working_.push_back(std::move(begun));
  Work& work = *working_.back();
  work.thread = quiet_thread([this, &work] {
    Opened& opened = work.opened;
    opened.host =
        AppHost::open(log_, opened.app, work.directory, std::move(work.config), opened.status, opened.problem);
    work.is_done = true;
    done_.ring();
  });
}

void Opener::start_next() {
  auto servers = std::count_if(working_.begin(), working_.end(), [](const auto& work) { return work->has_server; });
  for (; servers < kAtOnce && !waiting_.empty(); ++servers) {
    start(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void Opener::tell() {
  std::vector<std::unique_ptr<Work>> done;
  for (auto& work : working_) {
    if (work->is_done) done.push_back(std::move(work));
  }
  std::erase(working_, nullptr);
  for (const auto& work : done) work->thread.join();
  start_next();
  for (const auto& work : done) callback_(owner_, std::move(work->opened));
}

}  // namespace grid::server
