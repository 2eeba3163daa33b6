// SPDX-License-Identifier: Apache-2.0

#include "server/host/gateway.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "crdt/cell.h"
#include "ports/port.h"
#include "server/host/app_name.h"
#include "server/host/auth/enrolment.h"
#include "server/host/auth_config.h"
#include "server/host/backup.h"
#include "server/host/config_desk.h"
#include "server/host/front.h"

namespace grid::server {

using runtime::Event;
using transport::LinkId;

namespace {

constexpr std::string_view kPath = "/v1/";

std::uint64_t link_number(LinkId link) { return link; }

std::string_view app_in(std::string_view path) {
  return path.starts_with(kPath) ? path.substr(kPath.size()) : std::string_view();
}

}  // namespace

Gateway::~Gateway() {
  web_.reset();
  saving_.reset();
  desk_.reset();
  draining_.reset();
  link_apps_.clear();
  apps_.clear();
  links_.reset();
  if (lock_ >= 0) ::close(lock_);
}

Status Gateway::open(config::Config config) {
  GRID_TRY(check_apps(config, problem_));
  config_ = std::move(config);
  started_ = config_;
  log_.configure(config_.gateway().log);
  GRID_TRY(check_restored(config_.gateway().data));
  GRID_TRY(lock(config_.gateway().data));
  const Status opened = door_.open(auth_options(config_.gateway().auth), config_.gateway().data);
  if (opened != Status::ok) {
    problem_ = door_.problem();
    return opened;
  }
  links_ = std::make_unique<transport::LwsContext>();
  transport::LwsOptions options = link_options(config_.gateway());
  options.links_max = static_cast<std::uint32_t>(raise_descriptors(options.links_max));
  if (links_->open(loop_, options) != Status::ok) {
    problem_ = links_->problem();
    return Status::io;
  }
  GRID_TRY(take_certificate(*links_, config_.gateway(), log_, problem_));
  GRID_TRY(open_apps());
  web_ = std::make_unique<Web>(loop_, *links_, static_cast<WebOwner&>(*this));
  links_->serve(*web_);
  GRID_TRY(open_doors(*links_, config_.gateway(), *this, problem_));
  open_desk();
  return Status::ok;
}

// A gateway whose path is too long for a socket serves its devices all the same.
void Gateway::open_desk() {
  desk_ = std::make_unique<AdminSocket>(loop_, static_cast<AdminDesk&>(*this));
  if (desk_->listen(AdminSocket::file_in(config_.gateway().data)) != Status::ok) say(desk_->problem().c_str());
  saving_ = std::make_unique<transport::UvHandle<uv_timer_t>>();
  uv_timer_init(loop_, saving_->get());
  saving_->get()->data = this;
  uv_timer_start(
      saving_->get(), [](uv_timer_t* timer) { static_cast<Gateway*>(timer->data)->door_.save(); },
      DeviceTokens::kSeenMs, DeviceTokens::kSeenMs);
  uv_unref(saving_->any());
}

Result<std::vector<std::string>> Gateway::reload(config::Config config) {
  GRID_TRY(check_apps(config, problem_));
  const AuthOptions auth = auth_options(config.gateway().auth);
  if (!is_locked() && auth.is_on()) {
    problem_ = "a gateway that asks nobody who they are begins to ask when it is started anew";
    return Status::invalid;
  }
  if (is_locked() && !auth.is_on()) {
    problem_ = "nobody could come in any more: [auth] is without any way to say who one is";
    return Status::invalid;
  }
  // All that can be refused comes first: then nothing has changed.
  Authenticator::Plan plan;
  if (door_.prepare(auth, plan) != Status::ok) {
    problem_ = door_.problem();
    return Status::invalid;
  }
  GRID_TRY(take_certificate(*links_, config.gateway(), log_, problem_));
  door_.adopt(std::move(plan));
  std::vector<std::string> waiting = config_.waiting(config);
  if (config_.gateway().tls.certificate.empty() != config.gateway().tls.certificate.empty()) {
    waiting.emplace_back("listen: whether it is by TLS stays as it is until a restart");
  }
  for (const auto& [name, app] : apps_) {
    AppConfig next;
    GRID_TRY(read_app_config(config, name, next, problem_));
    if (app->waits_for(next)) waiting.push_back("app " + name + ": its indexes and searches stay until a restart");
    app->take_rules(std::move(next));
  }
  config_ = std::move(config);
  log_.configure(config_.gateway().log);
  return waiting;
}

Status Gateway::check_restored(const std::string& directory) {
  std::error_code ignored;
  const std::string restoring = directory + "/" + kRestoring;
  if (!std::filesystem::exists(restoring, ignored)) return Status::ok;
  // Of one that was cut off at its very end, all is in its place.
  const std::filesystem::path apps = directory + "/apps";
  const bool is_in_place = std::filesystem::exists(apps, ignored) && !std::filesystem::is_empty(apps, ignored);
  if (is_in_place && !std::filesystem::exists(restoring + "/apps", ignored)) {
    std::filesystem::remove_all(restoring, ignored);
    return Status::ok;
  }
  problem_ = "a restore into " + directory + " was cut off: run it again (gridctl server restore)";
  return Status::invalid;
}

Status Gateway::lock(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory + "/apps", error);
  const std::string file = directory + "/gridd.lock";
  if (!error) lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) {
    problem_ =
        "the data directory " + directory + " can't be used: " + (error ? error.message() : std::strerror(errno));
    return Status::denied;
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) {
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock_, 0) == 0 && ::pwrite(lock_, pid.data(), pid.size(), 0) > 0) return Status::ok;
    problem_ = file + " can't be written: " + std::strerror(errno);
    return Status::io;
  }
  char pid[16] = {};
  const ssize_t size = ::pread(lock_, pid, sizeof(pid) - 1, 0);
  problem_ = "the data directory " + directory + " belongs to a running gridd, process ";
  problem_ += size > 1 ? std::string(pid, static_cast<std::size_t>(size) - 1) : "unknown";
  return Status::busy;
}

Status Gateway::open_apps() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(config_.gateway().data + "/apps", error)) {
    if (!entry.is_directory() || !is_app_name(entry.path().filename().native())) continue;
    if (app_of(entry.path().filename().native()) != nullptr) continue;
    // One whose database is away is opened when somebody comes for it; the others do not wait.
    if (std::exchange(no_app_until_ms_, 0) == 0) return Status::io;
    log_.say(Log::Level::warning, "app not opened", {{"problem", problem_}});
  }
  return Status::ok;
}

AppHost* Gateway::app_of(const std::string& app) {
  const auto found = apps_.find(app);
  if (found != apps_.end()) return found->second.get();
  if (apps_.size() == kAppsMax) {
    problem_ = "no room for another app: " + std::to_string(kAppsMax) + " are open";
    return nullptr;
  }
  if (port::monotonic_ms() < no_app_until_ms_) return nullptr;
  AppConfig config;
  Status status = read_app_config(config_, app, config, problem_);
  if (status != Status::ok) return nullptr;
  config.is_locked = is_locked();
  const auto closed = [](void* owner, LinkId link) {
    static_cast<Gateway*>(owner)->door_.left(link);
    static_cast<Gateway*>(owner)->link_apps_.erase(link);
  };
  auto host =
      AppHost::open(loop_, *links_, log_, app, directory_of(app), std::move(config), closed, this, status, problem_);
  if (host == nullptr) {
    problem_ = "app " + app + ": " + problem_;
    if (status == Status::busy) no_app_until_ms_ = port::monotonic_ms() + kNoAppMs;
    return nullptr;
  }
  host->judge_by([](void* owner, LinkId link, std::string_view token) {
    return static_cast<Gateway*>(owner)->door_.prove(link, token);
  });
  return apps_.emplace(app, std::move(host)).first->second.get();
}

// A new app is a folder on the disk: it is made for who has a grant in it.
bool Gateway::may_enter(const std::string& app, std::string_view identity, Bytes claims) {
  if (!door_.is_locked() || apps_.contains(app)) return true;
  AppConfig config;
  if (read_app_config(config_, app, config, problem_) != Status::ok) return false;
  Grants access(std::move(config.grants), app);
  const Rights* const rights = access.acquire(identity, claims);
  bool may = false;
  for (std::size_t i = 0; rights != nullptr && i < kRights; ++i) may = may || rights->may(static_cast<Right>(i));
  if (rights != nullptr) access.release(rights);
  if (!may) problem_ = std::string(identity).append(" has no grant in app ").append(app);
  return may;
}

AppHost* Gateway::app_of(LinkId link) {
  const auto found = link_apps_.find(link);
  return found == link_apps_.end() ? nullptr : found->second;
}

void Gateway::drain() {
  if (draining_ != nullptr) return;
  links_->stop_listening();
  log_.say(Log::Level::info, "draining", {{"links", link_apps_.size()}});
  draining_ = std::make_unique<transport::UvHandle<uv_timer_t>>();
  draining_->get()->data = this;
  uv_timer_init(loop_, draining_->get());
  const std::uint64_t each_ms = config_.gateway().drain_spread.ms / std::max<std::size_t>(link_apps_.size(), 1);
  uv_timer_start(
      draining_->get(), [](uv_timer_t* timer) { static_cast<Gateway*>(timer->data)->end_one_link(); }, 0,
      std::max<std::uint64_t>(each_ms, 1));
}

void Gateway::end_one_link() {
  if (link_apps_.empty()) return;
  const auto [link, app] = *link_apps_.begin();
  link_apps_.erase(link_apps_.begin());
  app->step(Event{.kind = Event::Kind::link_down, .link = link});
  links_->close(link, transport::kCloseGoingAway, "the gateway is draining");
}

GatewayFigures Gateway::figures() const {
  GatewayFigures all{.sockets = links_->link_count(),
                     .log_lines_left_out = log_.left_out(),
                     .certificate_until_s = links_->certificate().not_after_s};
  for (const auto& [name, app] : apps_) all.apps.push_back(app->figures());
  return all;
}

bool Gateway::is_drained() const {
  for (const auto& [name, app] : apps_) {
    if (!app->has_failed() && !app->is_drained()) return false;
  }
  return true;
}

bool Gateway::has_failed() const {
  for (const auto& [name, app] : apps_) {
    if (app->has_failed()) return true;
  }
  return false;
}

std::string Gateway::failure() const {
  for (const auto& [name, app] : apps_) {
    if (app->has_failed()) return "app " + name + ": " + app->failure();
  }
  return {};
}

Status Gateway::stop() {
  Status status = Status::ok;
  door_.save();
  for (const auto& [name, app] : apps_) {
    const Status stopped = app->stop();
    if (stopped != Status::ok) status = stopped;
  }
  return status;
}

transport::Admission Gateway::admit(const transport::LinkRequest& request) {
  if (is_app_name(app_in(request.path))) return door_.admit_link(request.caller);
  return {.status = transport::kNotFound, .sentence = "links open at /v1/APP"};
}

void Gateway::on_open(LinkId link, std::string_view path, std::string_view identity, Bytes admitted) {
  const std::string name(app_in(path));
  const Bytes claims = door_.entered(link, identity, admitted);
  AppHost* app = may_enter(name, identity, claims) ? app_of(name) : nullptr;
  if (app == nullptr) {
    log_.say(Log::Level::error, "app not opened", {{"link", link_number(link)}, {"problem", problem_}});
    door_.left(link);
    return links_->close(link, transport::kClosePolicy, "this app can't be opened here");
  }
  link_apps_[link] = app;
  log_.say(Log::Level::debug, "link opened", {{"link", link_number(link)}, {"app", name}, {"identity", identity}});
  app->step(Event{.kind = Event::Kind::link_up, .link = link, .bytes = claims, .identity = identity});
}

void Gateway::on_frame(LinkId link, Bytes frame) {
  if (AppHost* app = app_of(link)) app->step(Event{.kind = Event::Kind::frame, .link = link, .bytes = frame});
}

std::optional<std::size_t> Gateway::on_writable(LinkId link, MutBytes room) {
  AppHost* app = app_of(link);
  return app == nullptr ? std::nullopt : app->writable(link, room);
}

void Gateway::on_close(LinkId link, std::string_view reason) {
  log_.say(Log::Level::debug, "link closed", {{"link", link_number(link)}, {"reason", reason}});
  if (AppHost* app = app_of(link)) app->step(Event{.kind = Event::Kind::link_down, .link = link});
  door_.left(link);
  link_apps_.erase(link);
}

void Gateway::on_stranger(std::string_view address, std::string_view trouble) {
  log_.say(Log::Level::info, "stranger", {{"address", address}, {"trouble", trouble}});
}

AppHost* Gateway::web_app(const std::string& name) {
  const auto found = apps_.find(name);
  return found == apps_.end() ? nullptr : found->second.get();
}

// All apps are open before there is a door.
std::string Gateway::why_not_ready() const { return draining_ != nullptr ? "draining" : ""; }

void Gateway::say(const char* line) { log_.say(Log::Level::warning, line); }

void Gateway::refused(std::string_view who, std::string_view why) {
  log_.say(Log::Level::warning, "refused", {{"who", who}, {"why", why}});
}

void Gateway::end_link(LinkId link, std::string_view identity) {
  if (AppHost* app = app_of(link)) app->disown(link, identity);
}

void Gateway::ask_anew(LinkId link) {
  if (AppHost* app = app_of(link)) app->ask_anew(link);
}

AdminAnswer Gateway::answer(const crdt::Value& question) {
  const std::string_view verb = question["verb"].text_or({});
  if (is_enrolment(verb)) return door_.answer(question);
  if (verb == "config") return tell_config(started_, config_);
  return AdminAnswer::refuse(Status::not_found, "this gateway does not know how to " + std::string(verb));
}

}  // namespace grid::server
