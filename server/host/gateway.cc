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

using transport::LinkId;

namespace {

constexpr std::string_view kPath = "/v1/";
constexpr std::uint64_t kAskDrainedMs = 20;
constexpr std::uint64_t kLookMs = 1'000;

std::uint64_t link_number(LinkId link) { return link; }

std::string_view app_in(std::string_view path) {
  return path.starts_with(kPath) ? path.substr(kPath.size()) : std::string_view();
}

}  // namespace

Gateway::~Gateway() {
  saving_.reset();
  desk_.reset();
  draining_.reset();
  asking_.reset();
  sending_away_.reset();
  web_.reset();
  apps_.reset();
  links_.reset();
  if (lock_ >= 0) ::close(lock_);
}

Status Gateway::open(config::Config config) {
  // Before there is another thread: the environment is changed by that.
  const std::vector<std::string> passed = passed_sockets();
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
  apps_ = std::make_unique<Apps>(loop_, log_, config_.gateway().engines, static_cast<Apps::Owner&>(*this));
  board_ = std::make_unique<Switchboard>(*links_);
  web_ = std::make_unique<Web>(loop_, *links_, *apps_, static_cast<WebOwner&>(*this));
  GRID_TRY(open_apps());
  links_->serve(*web_);
  GRID_TRY(open_doors(*links_, config_.gateway(), passed, *this, problem_));
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
  Status status = Status::ok;
  apps_->each([&](App& app) {
    AppConfig next;
    if (status == Status::ok) status = read_app_config(config, app.name, next, problem_);
    if (status != Status::ok || !apps_->change(app, std::move(next))) return;
    waiting.push_back("app " + app.name + ": its indexes and searches stay until a restart");
  });
  GRID_TRY(status);
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

// Those whose database is a file are waited for: one that can't be opened says so before anybody comes.
Status Gateway::open_apps() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(config_.gateway().data + "/apps", error)) {
    const std::string name = entry.path().filename().native();
    if (!entry.is_directory() || !is_app_name(name)) continue;
    if (app_of(name) == nullptr) return Status::io;
    awaited_.insert(name);
  }
  while (failure_.empty() && awaits_app()) uv_run(loop_, UV_RUN_ONCE);
  problem_ = failure_;
  return failure_.empty() ? Status::ok : Status::io;
}

bool Gateway::awaits_app() const {
  const std::vector<const App*> opening = apps_->opening();
  return std::any_of(opening.begin(), opening.end(), [](const App* app) { return !app->has_server; });
}

App* Gateway::app_of(const std::string& name) {
  if (App* const app = apps_->find(name)) return app;
  AppConfig config;
  if (read_app_config(config_, name, config, problem_) != Status::ok) return nullptr;
  config.is_locked = is_locked();
  App* const app = apps_->open(name, directory_of(name), std::move(config), problem_);
  if (app != nullptr && app->has_server) log_.say(Log::Level::info, "app is opening", {{"app", name}});
  return app;
}

void Gateway::app_opened(App& app) {
  awaited_.erase(app.name);
  if (app.has_server) log_.say(Log::Level::info, "app is open", {{"app", app.name}});
  board_->opened(app);
}

// One whose database is away is opened again when somebody comes for it.
void Gateway::app_not_opened(App& app, Status status, const std::string& problem) {
  const std::string sentence = "app " + app.name + ": " + problem;
  const bool is_needed = awaited_.erase(app.name) > 0 && status != Status::busy;
  if (is_needed) failure_ = sentence;
  const Log::Level level = status == Status::busy ? Log::Level::warning : Log::Level::error;
  if (!is_needed) log_.say(level, "app not opened", {{"problem", sentence}});
  for (const LinkId link : board_->links_of(app)) {
    hang_up(link, transport::kClosePolicy, "this app can't be opened here");
  }
}

// A new app is a folder on the disk: it is made for who has a grant in it.
bool Gateway::may_enter(const std::string& app, std::string_view identity, Bytes claims) {
  if (!door_.is_locked() || apps_->find(app) != nullptr) return true;
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

void Gateway::drain() {
  if (draining_ != nullptr) return;
  links_->stop_listening();
  begin_asking();
  log_.say(Log::Level::info, "draining", {{"links", board_->count()}});
  draining_ = std::make_unique<transport::UvHandle<uv_timer_t>>();
  draining_->get()->data = this;
  uv_timer_init(loop_, draining_->get());
  const std::uint64_t each_ms = config_.gateway().drain_spread.ms / std::max<std::size_t>(board_->count(), 1);
  uv_timer_start(
      draining_->get(), [](uv_timer_t* timer) { static_cast<Gateway*>(timer->data)->end_one_link(); }, 0,
      std::max<std::uint64_t>(each_ms, 1));
}

void Gateway::end_one_link() {
  const std::optional<LinkId> link = board_->any();
  if (link.has_value()) hang_up(*link, transport::kCloseGoingAway, "the gateway is draining");
}

void Gateway::stop_listening() {
  links_->stop_listening();
  is_stopping_ = true;
  begin_asking();
}

void Gateway::begin_asking() {
  if (asking_ != nullptr) return;
  asking_ = std::make_unique<transport::UvHandle<uv_timer_t>>();
  asking_->get()->data = this;
  uv_timer_init(loop_, asking_->get());
  uv_timer_start(
      asking_->get(), [](uv_timer_t* timer) { static_cast<Gateway*>(timer->data)->ask_drained(); }, 0, kAskDrainedMs);
}

// Behind all that was posted before: what a link has brought is in the answer.
void Gateway::ask_drained() {
  if (answers_due_ > 0) return;
  was_drained_ = is_stopping_ || board_->count() == 0;
  answers_due_ = apps_->engines().size();
  for (const auto& engine : apps_->engines()) engine->post({.kind = Letter::Kind::drained});
}

void Gateway::note_drained(const Letter& letter) {
  was_drained_ = was_drained_ && letter.is_last;
  if (--answers_due_ == 0) is_drained_ = was_drained_;
}

GatewayFigures Gateway::figures() const {
  GatewayFigures all{.apps_opening = apps_->opening().size(),
                     .sockets = links_->link_count(),
                     .log_lines_left_out = log_.left_out(),
                     .certificate_until_s = links_->certificate().not_after_s};
  for (const auto& engine : apps_->engines()) all.engines.push_back(engine->figures());
  return all;
}

Status Gateway::stop() {
  door_.save();
  return apps_->stop();
}

transport::Admission Gateway::admit(const transport::LinkRequest& request) {
  const std::string name(app_in(request.path));
  if (!is_app_name(name)) return {.status = transport::kNotFound, .sentence = "links open at /v1/APP"};
  const App* const app = apps_->find(name);
  if (app != nullptr && app->engine->is_full()) {
    return {.status = transport::kUnavailable, .sentence = "too much is waiting here"};
  }
  return door_.admit_link(request.caller);
}

void Gateway::on_open(LinkId link, std::string_view path, std::string_view identity, Bytes admitted) {
  const std::string name(app_in(path));
  const Bytes claims = door_.entered(link, identity, admitted);
  App* const app = may_enter(name, identity, claims) ? app_of(name) : nullptr;
  if (app == nullptr) {
    log_.say(Log::Level::error, "app not opened", {{"link", link_number(link)}, {"problem", problem_}});
    door_.left(link);
    return links_->close(link, transport::kClosePolicy, "this app can't be opened here");
  }
  log_.say(Log::Level::debug, "link opened", {{"link", link_number(link)}, {"app", name}, {"identity", identity}});
  board_->connect(link, *app, identity, claims);
  if (!app->is_open()) watch_held();
}

void Gateway::watch_held() {
  if (sending_away_ != nullptr) return;
  sending_away_ = std::make_unique<transport::UvHandle<uv_timer_t>>();
  sending_away_->get()->data = this;
  uv_timer_init(loop_, sending_away_->get());
  uv_timer_start(
      sending_away_->get(), [](uv_timer_t* timer) { static_cast<Gateway*>(timer->data)->send_away(); }, kLookMs,
      kLookMs);
}

// Nothing is read of who waits for an app, its goodbye neither: each is told to come again, and who has gone is gone.
void Gateway::send_away() {
  for (const LinkId link : board_->held_for_apps(config_.gateway().limits.stall_timeout.ms)) {
    hang_up(link, transport::kCloseTryAgain, "this app is being opened: try again later");
  }
  if (!apps_->is_opening()) sending_away_.reset();
}

void Gateway::on_close(LinkId link, std::string_view reason) {
  log_.say(Log::Level::debug, "link closed", {{"link", link_number(link)}, {"reason", reason}});
  board_->lost(link);
  door_.left(link);
}

void Gateway::hang_up(LinkId link, std::uint16_t code, std::string_view reason) {
  board_->hang_up(link, code, reason);
  door_.left(link);
}

void Gateway::arrived(Letter&& letter) {
  using Kind = Letter::Kind;
  switch (letter.kind) {
    case Kind::frame:
      return board_->send(std::move(letter));
    case Kind::close:
      door_.left(letter.link);
      return board_->close(letter.link);
    case Kind::prove:
      return prove(letter);
    case Kind::failed:
      failure_ = letter.text;
      return;
    case Kind::answer:
      return web_->answer(std::move(letter));
    case Kind::page:
      return web_->take_page(std::move(letter));
    case Kind::body_taken:
      return web_->note_taken(letter);
    case Kind::figures:
      return web_->add_figures(std::move(letter));
    case Kind::drained:
      return note_drained(letter);
    default:
      return;
  }
}

void Gateway::prove(const Letter& letter) {
  App* const app = board_->find(letter.link);
  if (app == nullptr) return;
  const Verdict verdict = door_.prove(letter.link, letter.text);
  const Bytes claims = as_bytes(verdict.proven.claims);
  app->post({.kind = Letter::Kind::proven,
             .status = verdict.status,
             .link = letter.link,
             .bytes = {claims.begin(), claims.end()},
             .text = verdict.proven.name});
}

void Gateway::on_stranger(std::string_view address, std::string_view trouble) {
  log_.say(Log::Level::info, "stranger", {{"address", address}, {"trouble", trouble}});
}

// Names of apps are for who is let in; anybody hears how many.
std::string Gateway::why_not_ready(const transport::Caller& caller) {
  if (draining_ != nullptr) return "draining";
  if (awaited_.empty()) return {};
  if (!door_.knows(caller)) return "opening: " + std::to_string(awaited_.size());
  std::string opening;
  for (const std::string& app : awaited_) opening += (opening.empty() ? "opening: " : ", ") + app;
  return opening;
}

void Gateway::say(const char* line) { log_.say(Log::Level::warning, line); }

void Gateway::refused(std::string_view who, std::string_view why) {
  log_.say(Log::Level::warning, "refused", {{"who", who}, {"why", why}});
}

void Gateway::end_link(LinkId link, std::string_view identity) {
  App* const app = board_->find(link);
  if (app == nullptr) return;
  app->post({.kind = Letter::Kind::proven, .status = Status::denied, .link = link, .text = std::string(identity)});
}

void Gateway::ask_anew(LinkId link) {
  App* const app = board_->find(link);
  if (app != nullptr) app->post({.kind = Letter::Kind::proven, .status = Status::busy, .link = link});
}

AdminAnswer Gateway::answer(const crdt::Value& question) {
  const std::string_view verb = question["verb"].text_or({});
  if (is_enrolment(verb)) return door_.answer(question);
  if (verb == "config") return tell_config(started_, config_);
  return AdminAnswer::refuse(Status::not_found, "this gateway does not know how to " + std::string(verb));
}

}  // namespace grid::server
