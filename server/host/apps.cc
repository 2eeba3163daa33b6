// SPDX-License-Identifier: Apache-2.0

#include "server/host/apps.h"

#include <algorithm>
#include <utility>

#include "ports/port.h"

namespace grid::server {

bool App::post(Letter letter) {
  using Kind = Letter::Kind;
  letter.app = host;
  if (is_open()) return engine->post(std::move(letter));
  if (letter.kind == Kind::link_down) {
    waiting.erase(letter.link);
  } else {
    waiting[letter.link].push_back(std::move(letter));
  }
  return false;
}

Apps::Apps(uv_loop_t* loop, Log& log, std::uint64_t engines, Owner& owner)
    : owner_(owner),
      opener_(
          loop, log, [](void* self, Opener::Opened&& opened) { static_cast<Apps*>(self)->opened(std::move(opened)); },
          this) {
  const bool has_threads = engines > 0;
  for (std::uint64_t i = 0; i < std::max<std::uint64_t>(engines, 1); ++i) {
    engines_.push_back(std::make_unique<Engine>(loop, has_threads, static_cast<Engine::Owner&>(owner)));
  }
}

Apps::~Apps() = default;

App* Apps::find(const std::string& name) const {
  const auto found = apps_.find(name);
  return found == apps_.end() ? nullptr : found->second.get();
}

App* Apps::open(const std::string& name, const std::string& directory, AppConfig config, std::string& problem) {
  if (apps_.size() == kAppsMax) {
    problem = "no room for another app: " + std::to_string(kAppsMax) + " are open";
    return nullptr;
  }
  const auto again = again_at_ms_.find(name);
  if (again != again_at_ms_.end() && port::monotonic_ms() < again->second) {
    problem = "app " + name + " could not be opened a moment ago";
    return nullptr;
  }
  auto app = std::make_unique<App>();
  app->name = name;
  app->engine = &least();
  app->engine->note_apps(app->engine->apps() + 1);
  app->at_start = {config.policies.indexes, config.search.maps, config.policies.through_maps};
  app->has_server = config.settings.sink.type != "sqlite";
  App* const made = apps_.emplace(name, std::move(app)).first->second.get();
  opener_.open(name, directory, std::move(config), made->has_server);
  return made;
}

Engine& Apps::least() {
  return **std::min_element(engines_.begin(), engines_.end(),
                            [](const auto& one, const auto& other) { return one->apps() < other->apps(); });
}

void Apps::opened(Opener::Opened&& opened) {
  const auto found = apps_.find(opened.app);
  App& app = *found->second;
  if (opened.host != nullptr) {
    again_at_ms_.erase(app.name);
    app.host = opened.host.get();
    app.engine->post({.kind = Letter::Kind::app, .enclosure = std::move(opened.host)});
    for (auto& [link, letters] : std::exchange(app.waiting, {})) {
      for (Letter& letter : letters) app.post(std::move(letter));
    }
    return owner_.app_opened(app);
  }
  if (again_at_ms_.size() >= kAppsMax) again_at_ms_.clear();
  if (opened.status == Status::busy) again_at_ms_[app.name] = port::monotonic_ms() + kAgainMs;
  app.engine->note_apps(app.engine->apps() - 1);
  app.waiting.clear();
  owner_.app_not_opened(app, opened.status, opened.problem);
  apps_.erase(found);
}

std::vector<const App*> Apps::opening() const {
  std::vector<const App*> opening;
  for (const auto& [name, app] : apps_) {
    if (!app->is_open()) opening.push_back(app.get());
  }
  return opening;
}

bool Apps::change(App& app, AppConfig config) {
  const bool waits =
      app.at_start != AppAtStart{config.policies.indexes, config.search.maps, config.policies.through_maps};
  app.post({.kind = Letter::Kind::rules, .enclosure = std::make_unique<AppConfig>(std::move(config))});
  return waits;
}

bool Apps::have_turned() {
  for (const auto& engine : engines_) engine->ask_turn();
  const bool have =
      std::all_of(engines_.begin(), engines_.end(), [](const auto& engine) { return engine->has_turned(); });
  for (const auto& engine : engines_) {
    if (have) engine->forget_turn();
  }
  return have;
}

Status Apps::stop() {
  Status status = Status::ok;
  for (const auto& engine : engines_) {
    const Status stopped = engine->stop();
    if (stopped != Status::ok) status = stopped;
  }
  return status;
}

}  // namespace grid::server
