// SPDX-License-Identifier: Apache-2.0

#include "server/host/app_host.h"

#include <algorithm>
#include <utility>

#include "ports/port.h"
#include "server/epochs.h"
#include "server/floor.h"

namespace grid::server {

namespace {

// A fact of a journal that is being filled from the database, until that is done.
constexpr std::string_view kLoading = "loading";
constexpr std::uint8_t kYes[] = {1};
// Frames of one turn of the loop, of all links; then others have their turn.
constexpr int kFramesATurn = 256;
// Of one link: no device takes all the watches that there are.
constexpr std::uint64_t kEntityAsksMax = 32;
constexpr std::uint64_t kEntityAsksShare = 4;
constexpr const char* kDisk = "a disk has failed: ";

QuotaLimits limits_of(const config::QuotaSettings& quota) {
  return {quota.cells, quota.bytes.bytes, quota.ops_per_second};
}

}  // namespace

using runtime::Action;
using runtime::Event;
using runtime::LinkId;

std::unique_ptr<AppHost> AppHost::open(Log& log, const std::string& app, const std::string& directory, AppConfig config,
                                       Status& status, std::string& problem) {
  std::unique_ptr<AppHost> host(new AppHost(log, app, std::move(config)));
  status = host->open_journal(directory, problem);
  if (status == Status::ok) status = host->open_sink(directory, problem);
  if (status != Status::ok) return nullptr;
  return host;
}

AppHost::~AppHost() = default;

Status AppHost::open_journal(const std::string& directory, std::string& problem) {
  Status status = Status::ok;
  disk_ = port::DiskStore::open(directory + "/journal", config_.keys, status, problem);
  journal_ = disk_ == nullptr ? nullptr : &**disk_;
  return status;
}

Status AppHost::open_sink(const std::string& directory, std::string& problem) {
  const std::string file = directory + "/cells.sqlite";
  opened_ = server::open_sink(config_.settings.sink, app_, file, config_.search);
  problem = opened_.problem;
  if (opened_.sink == nullptr) return opened_.status;
  GRID_TRY(opened_.status == Status::ok ? catch_up(*opened_.sink, drained_through_, problem) : do_without(problem));
  if (config_.search.is_on()) GRID_TRY(open_search(file, problem));
  const bool has_search_work = opened_.searchable != nullptr && opened_.searchable->has_search_work();
  if (has_search_work) say("the search is being built from the rows that are there");
  return Status::ok;
}

Status AppHost::catch_up(storage::Sink& sink, storage::Seq& drained, std::string& problem) {
  const Result<storage::SinkMark> mark = sink.drained();
  if (!mark.ok()) {
    problem = sink.problem();
    return mark.status();
  }
  // Only what is durable in a journal is ever drained: a database whose mark does not stand has outlived its journal.
  const Result<bool> stands = Epochs::stands(*journal_, {mark->epoch, mark->through});
  if (!stands.ok()) {
    problem = std::string("the journal's epochs could not be read: ") + journal_->problem();
    return stands.status();
  }
  if (mark->through > 0 && !*stands) return load(sink, mark->greatest, problem);
  drained = mark->through;
  return Status::ok;
}

// A journal has all that the database has, or more, unless the database has outlived it: one that is empty, or was not
// filled to its end, can't tell.
Status AppHost::do_without(std::string& problem) {
  const Result<Bytes> loading = journal_->fact(kLoading);
  if (!loading.ok() && loading.status() != Status::not_found) return loading.status();
  if (journal_->head() > 0 && !loading.ok()) {
    say((problem + "; the journal goes on without it, and drains later").c_str());
    return Status::ok;
  }
  problem += "; the journal is new, and what the database may hold must be loaded first";
  return Status::busy;
}

Status AppHost::open_search(const std::string& file, std::string& problem) {
  Status status = Status::ok;
  reader_ = storage::SqliteSearchReader::open(file, config_.search, status, problem);
  return status;
}

namespace {

struct Loading {
  static constexpr std::uint64_t kCommitRows = 10'000;

  storage::Store& journal;
  std::uint64_t rows = 0;
};

Status take_row(const storage::SinkRow& row, void* context) {
  Loading& loading = *static_cast<Loading*>(context);
  const Result<crdt::Op> standing = loading.journal.find(row.cell.name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  if (standing.ok() && !crdt::wins(row.cell, standing->cell)) return Status::ok;
  Result<storage::Seq> seq = loading.journal.append({.cell = row.cell});
  if (seq.status() == Status::full) {
    GRID_TRY(loading.journal.commit());
    seq = loading.journal.append({.cell = row.cell});
  }
  if (!seq.ok()) return seq.status();
  return ++loading.rows % Loading::kCommitRows == 0 ? loading.journal.commit() : Status::ok;
}

}  // namespace

Status AppHost::load(storage::Sink& sink, const crdt::Stamp& greatest, std::string& problem) {
  say("the database has outlived its journal: loading its rows");
  Loading loading{*journal_};
  Status status = Epochs::close(*journal_);
  if (status == Status::ok) status = journal_->set_fact(kLoading, kYes);
  if (status == Status::ok) status = sink.load(take_row, &loading);
  if (status == Status::ok) status = note_loaded(*journal_, greatest);
  if (status == Status::ok) status = journal_->set_fact(kLoading, {});
  if (status == Status::ok) status = journal_->commit();
  // The rows have new places in the journal, so all of them are drained again, after a crash too.
  if (status == Status::ok) status = sink.drain({}, {.greatest = greatest});
  if (status != Status::ok) {
    problem = std::string("the database could not be loaded: ") + sink.problem() + journal_->problem();
    return status;
  }
  say(("loaded " + std::to_string(loading.rows) + " rows from the database").c_str());
  return Status::ok;
}

void AppHost::run(uv_loop_t* loop, Owner& owner) {
  owner_ = &owner;
  if (reader_ != nullptr) {
    search_ = std::make_unique<SearchWorker>(
        loop, std::move(reader_), config_.search,
        [](void* self, const SearchWorker::Done& done) { static_cast<AppHost*>(self)->searched(done); }, this);
  }
  sink_ = std::make_unique<SinkWorker>(
      loop, std::move(opened_.sink), opened_.searchable,
      [](void* self, const SinkWorker::Done& done) { static_cast<AppHost*>(self)->drained(done); },
      [](void* self, const SinkWorker::Indexed& indexed) { static_cast<AppHost*>(self)->indexed(indexed); }, this);
  facts_.emplace(loop, *journal_, config_.settings.facts);
  const auto answered = [](void* self, std::uint64_t serial, Bytes frame) {
    static_cast<AppHost*>(self)->host_->step({.kind = Event::Kind::entities, .bytes = frame, .batch = serial});
  };
  entities_.emplace(*facts_, answered, this);
  coordinator_.emplace(*journal_, options());
  host_.emplace(loop, *coordinator_, *journal_, static_cast<port::UvHost::Owner&>(*this),
                port::UvHost::Flush::on_thread);
  host_->step(Event::Kind::start);
  facts_->preload();
}

CoordinatorOptions AppHost::options() {
  std::uint8_t seed[8];
  port::entropy(seed);
  CoordinatorOptions options;
  options.app = app_;
  const config::AppSettings& settings = config_.settings;
  options.keeping = {settings.retention.ms, settings.enroll_lapse.ms, settings.backup_horizon.ms};
  options.links_max = static_cast<std::uint32_t>(settings.links);
  options.subscriptions_max = static_cast<std::uint32_t>(settings.subscriptions);
  options.value_bytes_max = static_cast<std::uint32_t>(settings.value_max.bytes);
  options.window_ops = static_cast<std::uint32_t>(settings.window);
  options.drift_ms_max = static_cast<std::uint32_t>(settings.drift.ms);
  options.index_bytes_max = settings.index_memory.bytes;
  options.drain_rows_max = static_cast<std::uint32_t>(settings.drain_rows);
  options.drain_ms_max = static_cast<std::uint32_t>(settings.drain_every.ms);
  options.quota = limits_of(settings.quota);
  options.seed = load_be(seed);
  options.policy = &config_.policies.rules;
  options.observer = &ops_;
  options.erasures = &facts_->erasures();
  options.entity_asks_max =
      static_cast<std::uint32_t>(std::min(settings.facts.watches / kEntityAsksShare, kEntityAsksMax));
  if (config_.is_locked) options.access = &grants_.emplace(config_.grants, app_);
  options.indexes = config_.policies.indexes;
  options.has_sink = true;
  options.drained_through = drained_through_;
  options.through_maps = config_.policies.through_maps;
  for (const storage::SearchedMap& one : config_.search.maps) options.search.maps.push_back(one.map);
  return options;
}

void AppHost::step(const Event& event) {
  const std::uint64_t begun_ns = uv_hrtime();
  host_->step(event);
  timings_.step.note(uv_hrtime() - begun_ns);
}

void AppHost::link_up(LinkId link, std::string_view identity, Bytes claims) {
  outflow_.open(link);
  step({.kind = Event::Kind::link_up, .link = link, .bytes = claims, .identity = identity});
}

void AppHost::link_down(LinkId link) {
  outflow_.close(link);
  step({.kind = Event::Kind::link_down, .link = link});
}

void AppHost::taken(LinkId link) {
  outflow_.taken(link);
  go_on();
}

void AppHost::go_on() {
  if (outflow_.has_next()) host_->want_turn();
}

// Once a turn, so that one frame says what many events led to.
void AppHost::send_frames() {
  for (int frames = 0; frames < kFramesATurn && !owner_->is_full(); ++frames) {
    const std::optional<LinkId> link = outflow_.next();
    if (!link.has_value()) return;
    const MutBytes room = owner_->room();
    const std::optional<std::size_t> size = host_->writable(*link, room);
    if (size.has_value()) owner_->send(*this, *link, room.first(*size), outflow_.sent(*link, *size));
  }
  if (!owner_->is_full()) go_on();
}

void AppHost::call(std::string_view identity, Bytes claims, runtime::Call& call) {
  call.status = Status::io;  // A coordinator that has stopped answers nothing.
  step({.kind = Event::Kind::call, .bytes = claims, .identity = identity, .call = &call});
}

bool AppHost::has_kept(std::string_view map, crdt::Seq seq) const {
  const auto& through = config_.policies.through_maps;
  const bool is_through = std::find(through.begin(), through.end(), map) != through.end();
  // A row that another has overtaken is in the database when that one is, whichever it is by then.
  return is_through ? is_drained() : coordinator_->status().durable >= seq;
}

void AppHost::take_rules(AppConfig&& config) {
  config_.policies.rules = std::move(config.policies.rules);
  coordinator_->limit(limits_of(config.settings.quota));
  if (!grants_.has_value()) return host_->step(Event::Kind::wake);
  grants_->replace(std::move(config.grants));
  host_->step(Event::Kind::grants_changed);
}

bool AppHost::is_drained() const {
  const CoordinatorStatus status = coordinator_->status();
  return status.head == status.durable && status.drained >= status.durable;
}

void AppHost::carry_out(const Action& action) {
  switch (action.kind) {
    case Action::Kind::close:
      outflow_.close(action.link);
      closing_.push_back(action.link);
      return host_->want_turn();
    case Action::Kind::want_write:
      outflow_.want(action.link);
      return host_->want_turn();
    case Action::Kind::say:
      if (action.status != Status::ok) fail(std::string(action.text));
      return say(std::string(action.text).c_str());
    case Action::Kind::want_drain:
      wants_drain_ = true;
      return host_->want_turn();
    case Action::Kind::prove:
      return owner_->prove(action.link, action.text);
    case Action::Kind::search:
      return search_->submit(coordinator_->search_work());
    case Action::Kind::ask:
      return host_->want_turn();
    case Action::Kind::drain:
      drain_begun_ns_ = uv_hrtime();
      return sink_->submit(action.size, coordinator_->status().drained_mark(action.seq));
    default:
      return;
  }
}

void AppHost::turn_ended() {
  send_frames();
  while (coordinator_->entities().has_work()) entities_->take(coordinator_->entities().take_work());
  facts_->look_on();
  for (const LinkId link : std::exchange(closing_, {})) owner_->close(link);
  if (!wants_drain_ || sink_->is_busy()) return;
  wants_drain_ = false;
  host_->step(Event{.kind = Event::Kind::collect, .room = sink_->room()});
}

void AppHost::drained(const SinkWorker::Done& done) {
  timings_.drain.note(uv_hrtime() - drain_begun_ns_);
  if (done.status == Status::io) {
    return fail(kDisk + done.problem);
  }
  if (done.status != Status::ok) say(done.problem.c_str());
  if (done.status == Status::conflict) return moved(done);
  host_->step(Event{.kind = Event::Kind::drained,
                    .bytes = as_bytes(done.problem),
                    .batch = done.dead_letters,
                    .seq = done.through,
                    .status = done.status});
}

// The database came back as another than it was left; or it is there for the first time.
void AppHost::moved(const SinkWorker::Done& done) {
  if (done.stands.through > 0 && !coordinator_->stands(done.stands.epoch, done.stands.through)) {
    return fail("the database has outlived the journal: it is loaded when gridd starts again");
  }
  host_->step(Event{.kind = Event::Kind::drained,
                    .bytes = as_bytes(done.problem),
                    .batch = done.dead_letters,
                    .seq = done.stands.through,
                    .status = Status::conflict});
}

void AppHost::indexed(const SinkWorker::Indexed& indexed) {
  if (!indexed.failure.empty()) fail(kDisk + indexed.failure);
  if (!indexed.news.empty()) say(indexed.news.c_str());
  if (indexed.maps != 0) host_->step(Event{.kind = Event::Kind::indexed, .batch = indexed.maps});
}

void AppHost::searched(const SearchWorker::Done& done) {
  if (!done.broken.empty()) sink_->mend(done.broken);
  host_->step(Event{.kind = Event::Kind::searched, .bytes = done.frame});
}

void AppHost::flush_trouble(Status status, const char* problem) {
  if (status == Status::ok) return say("the journal has room again");
  if (status == Status::full) return say(problem);
  fail(kDisk + std::string(problem));
}

void AppHost::fail(std::string failure) {
  failure_ = std::move(failure);
  owner_->failed(*this);
}

void AppHost::say(const char* line) { log_.say(Log::Level::warning, line, {{"app", app_}}); }

}  // namespace grid::server
