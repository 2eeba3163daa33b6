// SPDX-License-Identifier: Apache-2.0

#include "server/host/opener.h"

#include <algorithm>
#include <utility>

namespace grid::server {

Opener::~Opener() {
  for (const auto& work : working_) work->thread.join();
}

void Opener::open(const std::string& app, const std::string& directory, AppConfig config) {
  auto work = std::make_unique<Work>();
  work->directory = directory;
  work->config = std::move(config);
  work->opened.app = app;
  waiting_.push_back(std::move(work));
  start_next();
}

void Opener::start_next() {
  while (working_.size() < kAtOnce && !waiting_.empty()) {
    working_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
    Work& work = *working_.back();
    work.thread = std::thread([this, &work] {
      Opened& opened = work.opened;
      opened.host =
          AppHost::open(log_, opened.app, work.directory, std::move(work.config), opened.status, opened.problem);
      work.is_done = true;
      done_.ring();
    });
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
