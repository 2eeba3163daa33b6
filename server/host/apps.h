// SPDX-License-Identifier: Apache-2.0
//
// Apps: the apps of a gateway as the network sees them: on which engine, and whether they are open yet.
//
// Place     Below gateway.h, switchboard.h and web.h; above engine.h and opener.h.
// Promises  Letters to an app that is being opened wait for it: those of a link in order, behind what is of none.
//           BND-1  Of a link that is over nothing waits, and its end costs no look at what the others wait with.
// Threads   One: the network's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/host/engine.h"
#include "server/host/opener.h"

namespace grid::server {

// What an app takes at its start only.
struct AppAtStart {
  std::vector<IndexedField> indexes{};
  std::vector<storage::SearchedMap> searched{};
  std::vector<std::string> through_maps{};

  bool operator==(const AppAtStart&) const = default;
};

struct App {
  std::string name;
  Engine* engine = nullptr;
  AppHost* host = nullptr;  // Its engine's to look into; null while it is being opened.
  AppAtStart at_start{};
  bool has_server = false;                                     // Its database is one that may have to be waited for.
  std::map<transport::LinkId, std::vector<Letter>> waiting{};  // 0: of no link.

  bool is_open() const { return host != nullptr; }
  // False: nothing more is to be read that goes there, until it has room, or is open.
  bool post(Letter letter);
};

class Apps {
 public:
  static constexpr std::size_t kAppsMax = 64;
  static constexpr std::uint64_t kAgainMs = 5'000;

  class Owner : public Engine::Owner {
   public:
    // It is open, and has the letters that waited.
    virtual void app_opened(App& app) = 0;
    // It is not, and is forgotten when this returns.
    virtual void app_not_opened(App& app, Status status, const std::string& problem) = 0;

   protected:
    ~Owner() = default;
  };

  // engines: on threads of their own; 0: one that has none.
  Apps(uv_loop_t* loop, Log& log, std::uint64_t engines, Owner& owner);
  ~Apps();

  // Null: there is none of this name.
  App* find(const std::string& name) const;
  // Begins to open one. Null, with `problem`: there is no room, or it could not be opened a moment ago.
  App* open(const std::string& name, const std::string& directory, AppConfig config, std::string& problem);
  bool is_empty() const { return apps_.empty(); }
  // Those that are being opened.
  std::vector<const App*> opening() const;
  bool is_opening() const { return opener_.is_busy(); }

  // A change of what app_config.h has, which is not taken at a start only. Whether something is.
  bool change(App& app, AppConfig config);
  template <typename Visit>
  void each(Visit visit) {
    for (const auto& [name, app] : apps_) visit(*app);
  }
  const std::vector<std::unique_ptr<Engine>>& engines() const { return engines_; }
  // Each engine's loop has made a turn since this was last so. The first call that finds one that has not asks it.
  bool have_turned();
  // As Engine::stop(), of all.
  Status stop();

 private:
  Engine& least();
  void opened(Opener::Opened&& opened);

  Owner& owner_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::map<std::string, std::unique_ptr<App>> apps_;
  std::map<std::string, std::uint64_t> again_at_ms_;  // Of those that could not be opened.
  Opener opener_;                                     // Last: what it opens is asked for until it is gone.
};

}  // namespace grid::server
