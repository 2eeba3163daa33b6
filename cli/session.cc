// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/names.h"
#include "cli/print.h"
#include "runtime/grid/dead_letters.h"
#include "transport/lws/address.h"

namespace grid::cli {
namespace {

constexpr std::uint64_t kSliceMs = 100;

std::uint64_t monotonic_ms() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_boot).count());
}

std::uint64_t travelled_bytes(const ReplicaStatus& status) {
  return status.figures.bytes_sent + status.figures.bytes_received;
}

bool is_settled(Outcome outcome) { return outcome != Outcome::pending && outcome != Outcome::applied; }

// $XDG_DATA_HOME/grid/APP, with the folders above it.
std::string default_store(const std::string& app) {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (data != nullptr && *data == '/') {
    folder = data;
  } else if (home != nullptr && *home != '\0') {
    folder = std::filesystem::path(home) / ".local" / "share";
  } else {
    throw Failure(Exit::usage, "there is neither $XDG_DATA_HOME nor $HOME to keep a store in; say --store DIR");
  }
  folder /= "grid";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Failure(Exit::failure, "cannot make " + folder.string() + ": " + error.message());
  return folder / app;
}

LinuxOptions options_of(const Context& context) {
  if (const std::string trouble = trouble_with_app(context.app); !trouble.empty()) throw Failure(Exit::usage, trouble);
  if (context.target.starts_with("image:")) {
    throw Failure(Exit::usage,
                  "an image is only read: it takes status, ls, get, export, oplog and flash, and no other command");
  }
  if (!context.target.empty() && !transport::parse_url(context.target).ok()) {
    throw Failure(Exit::usage,
                  "a target is ws://HOST:PORT, wss://HOST:PORT, serial:DEVICE, unix:PATH or image:FILE, and not " +
                      context.target);
  }
  LinuxOptions options;
  options.app = context.app;
  options.token_file = context.token_file;
  if (context.token_file.empty()) options.token = token_of(context);
  options.offline = context.offline;
  options.server = context.target.empty() ? kDefaultServer : context.target;
  options.ca = context.ca;
  options.certificate = context.certificate;
  options.key = context.key;
  options.store = context.store;
  options.key_file = context.key_file;
  options.old_key_file = context.old_key_file;
  const bool is_memory_only = context.store.empty() && !context.target.empty();
  if (is_memory_only && context.offline) {
    throw Failure(Exit::usage, "--target without --store keeps nothing here, so there is nothing to do --offline");
  }
  if (context.store.empty() && !is_memory_only) options.store = default_store(context.app);
  return options;
}

void tell(const std::string& sentence) { std::fprintf(stderr, "gridctl: %s\n", sentence.c_str()); }

}  // namespace

std::string token_of(const Context& context) {
  if (context.token_file.empty()) {
    const char* const token = std::getenv("GRID_TOKEN");
    return token == nullptr ? std::string() : token;
  }
  std::ifstream file(context.token_file);
  std::string token;
  if (!(file >> token))
    throw Failure(Exit::usage, "the token's file " + context.token_file + " can't be read, or is empty");
  return token;
}

std::string store_of(const Context& context) { return options_of(context).store; }

bool is_up(const ReplicaStatus& status) {
  return status.state == SyncState::syncing_up || status.state == SyncState::syncing_down ||
         status.state == SyncState::realtime;
}

bool is_down(const ReplicaStatus& status) {
  return status.state == SyncState::backoff || status.state == SyncState::error;
}

Session::Session(const Context& context) : options_(options_of(context)) {
  node_ = host_.open(options_);
  if (node_ != nullptr) return;
  throw Failure(host_.status() == Status::corrupt ? Exit::corrupt : Exit::failure, host_.problem());
}

Session::Ended Session::wait(const std::function<bool(const ReplicaStatus&)>& done, std::uint64_t patience_ms,
                             const std::function<void(const ReplicaStatus&)>& progress) {
  std::uint64_t travelled = travelled_bytes(status());
  std::uint64_t until_ms = monotonic_ms() + patience_ms;
  for (;;) {
    const std::uint64_t now_ms = monotonic_ms();
    const std::uint64_t slice_ms = std::min(kSliceMs, until_ms > now_ms ? until_ms - now_ms : 0);
    const bool stopped =
        host_.wait_until([&](const ReplicaStatus& now) { return done(now) || is_down(now); }, slice_ms);
    const ReplicaStatus now = status();
    if (done(now)) return Ended::done;
    if (is_down(now)) return Ended::failed;
    if (progress) progress(now);
    const std::uint64_t spent_ms = monotonic_ms() - now_ms;
    if (!stopped && spent_ms + 1 < slice_ms) return Ended::interrupted;
    if (travelled_bytes(now) != travelled) until_ms = monotonic_ms() + patience_ms;
    travelled = travelled_bytes(now);
    if (monotonic_ms() >= until_ms) return Ended::stalled;
  }
}

void Session::pull(const Scope& scope) {
  if (offline()) return;
  // A store keeps one cursor a map, not one for each key that was ever asked for.
  const bool widens = keeps() && scope.kind != ScopeKind::everything;
  require(node_->subscribe(widens ? Scope{ScopeKind::map, scope.map, {}} : scope));
  await_all();
}

Status Session::pull(std::string_view map, const DatalogQuestion& question) {
  if (offline()) return Status::ok;
  if (keeps()) return pull({ScopeKind::map, map, {}}), Status::ok;
  GRID_TRY(Datalog(*node_, map).subscribe(question));
  await_all();
  return Status::ok;
}

void Session::await_all() {
  const Ended ended = wait([](const ReplicaStatus& now) { return is_up(now) && now.current; }, kPatienceMs);
  if (ended == Ended::done) return push_for_a_moment();
  if (ended == Ended::interrupted) throw Failure(Exit::failure, "interrupted");
  if (!keeps()) throw no_link();
  tell("not synced: " + unreachable());
}

// What is owed from earlier travels now that there is a link, but nobody who only reads waits long for it.
void Session::push_for_a_moment() {
  host_.wait_until([](const ReplicaStatus& now) { return now.ops_pending == 0 || is_down(now); }, kPatienceMs);
}

Outcome Session::deliver(const Write& write) {
  require(host_.flush());
  if (offline()) return write.outcome();
  wait([&](const ReplicaStatus&) { return is_settled(write.outcome()); }, kPatienceMs);
  const Outcome outcome = write.outcome();
  if (outcome == Outcome::rejected || outcome == Outcome::dropped) {
    const std::string sentence(host_.problem());
    // Its letter has the reason in one word.
    const Result<DeadLetter> letter = DeadLetters(*node_).find(write.seq());
    const bool is_denied = letter.ok() && letter->reason == Status::denied;
    throw Failure(is_denied ? Exit::denied : Exit::failure, sentence);
  }
  if (is_settled(outcome)) return outcome;
  if (!keeps()) throw no_link();
  tell(outcome == Outcome::applied ? "kept, sent, not durable at the server yet" : "kept, not sent");
  return outcome;
}

Outcome Session::deliver_all(const std::function<void(const ReplicaStatus&)>& progress) {
  require(host_.flush());
  if (offline()) return Outcome::pending;
  const std::uint64_t rejected = status().figures.rejected;
  wait([](const ReplicaStatus& now) { return now.ops_pending == 0; }, kPatienceMs, progress);
  const ReplicaStatus now = status();
  if (now.figures.rejected != rejected) {
    throw Failure(Exit::partial, std::to_string(now.figures.rejected - rejected) + " rejected: " + host_.problem());
  }
  if (now.ops_pending == 0) return Outcome::durable;
  if (keeps()) {
    tell("kept, not sent: " + std::to_string(now.ops_pending));
    return Outcome::pending;
  }
  throw Failure(now.durable == 0 ? no_link().exit() : Exit::partial,
                unreachable() + "; not sent: " + std::to_string(now.ops_pending));
}

std::string Session::unreachable() {
  const std::string_view reason = host_.problem();
  std::string sentence = "cannot reach " + options_.server;
  if (reason.empty()) return sentence + ": no answer in time";
  if (reason.find(options_.server) != std::string_view::npos) return std::string(reason);
  return sentence.append(": ").append(reason);
}

Failure Session::no_link() {
  return {status().reason == StateReason::denied ? Exit::denied : Exit::unreachable, unreachable()};
}

void Session::require(Status status) {
  if (status == Status::ok) return;
  const std::string_view reason = host_.problem();
  const Exit exit = status == Status::corrupt     ? Exit::corrupt
                    : status == Status::denied    ? Exit::denied
                    : status == Status::invalid   ? Exit::usage
                    : status == Status::too_large ? Exit::usage
                                                  : Exit::failure;
  throw Failure(exit, reason.empty() ? name_of(status) : std::string(reason));
}

Exit finish_write(Session& session, const Context& context, const std::string& map, const std::string& key,
                  const Write& write) {
  session.require(write.status());
  const Outcome outcome = session.deliver(write);
  if (context.format != Format::automatic) {
    Report().text("map", map).text("key", key).text("outcome", name_of(outcome)).print(context.format);
  }
  return Exit::ok;
}

}  // namespace grid::cli
