// SPDX-License-Identifier: Apache-2.0
//
// World: a gateway and its devices in one process, on virtual time, from one seed. Real machines; links, disks and a
// database that are queues.
//
// Place     Top of tests/sim. Plays the host of every machine: turns its actions into events. What goes wrong is
//           decided by who uses it (a story, or run.h), but for the weather, which the seed throws.
// Promises  SIM-1  Same seed, same trace.
// Limits    A link is what TCP makes of a network: what is lost or out of order comes late, in order, or with the link
//           the whole rest is lost. A machine may take a link for alive long after its peer has given it up.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/channels.h"
#include "runtime/dead_letters.h"
#include "runtime/housekeeping.h"
#include "runtime/query/row_tests.h"
#include "runtime/random.h"
#include "runtime/replica.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"
#include "tests/sim/database.h"
#include "tests/sim/disk.h"

namespace grid::sim {

using runtime::Action;
using runtime::Event;
using runtime::LinkId;

inline constexpr std::uint64_t kEpochMs = 1'795'000'000'000;  // The true time at the world's beginning: late 2026.

inline constexpr ChannelLimits kSimChannels{4, 256, 16};

// What goes wrong. Counted, so that a run can tell how much it has been through.
enum class Fault : std::uint8_t {
  loss,          // A segment comes late, because it had to be sent again.
  reorder,       // A segment is overtaken.
  drop,          // The link drops in the middle of a frame.
  half_open,     // One end learns much later than the other that a link is gone.
  slow,          // A reader takes its time.
  cut,           // A device is out of reach.
  one_way,       // Only one direction passes.
  crash,         // Power cut: what was not flushed is gone,
  torn,          // ... or some of it happened to get through.
  restore,       // A store is set back to an older copy,
  restore_late,  // ... the gateway's to one that had expired (Keeping::backup_horizon_ms).
  wipe,          // A device starts again with nothing.
  journal_lost,  // The gateway's journal is gone, its database is not.
  disk_full,
  disk_failed,
  disk_stalled,
  database_refused,
  clock_set,
  clock_unknown,
  clock_drift,
  sleep,        // A process stands still.
  old_release,  // A device that speaks only an older protocol.
  spurious,     // An event that nothing called for.
  count_,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::count_);
const char* name_of(Fault fault);

// Chances are of a million.
struct Weather {
  std::uint32_t jitter_ms = 0;
  std::uint32_t loss = 0;              // Of each segment.
  std::uint32_t drop = 0;              // Of each frame.
  std::uint32_t half_open = 0;         // Of each link that ends.
  std::uint32_t bytes_per_second = 0;  // 0: no cap.
  std::uint32_t stall = 0;             // Of each commit.
  std::uint32_t spurious = 0;          // Of each event.
  std::uint32_t database_ms = 0;       // What a drain takes.
};

struct Site;

// One end of a link, as its machine's host knows it.
struct End {
  Site* peer = nullptr;
  LinkId peer_link = 0;
  bool dead = false;           // The peer knows nothing of it any more; this end does not know that yet.
  std::uint64_t free_at = 0;   // When all that was written has left,
  std::uint64_t there_at = 0;  // and when the last of it arrives.
  std::vector<std::vector<std::uint8_t>> held{};  // What a blocked direction keeps back.
};

struct ScopeText {
  runtime::ScopeKind kind = runtime::ScopeKind::everything;
  std::string map;
  std::string text;
  bool watched = false;
  std::uint32_t id = 0;                                    // In this life.
  std::shared_ptr<const runtime::RowTest> rows = nullptr;  // Of a predicate.
  runtime::Scope view() const { return {kind, map, text, rows.get()}; }
};

// Passes on what left a device without a record.
struct Erasures final : runtime::ErasureListener {
  runtime::ErasureListener* heard_by = nullptr;
  void erased(const crdt::CellName& name) override {
    if (heard_by != nullptr) heard_by->erased(name);
  }
};

// One machine and all that belongs to its host.
struct Site {
  std::string name;
  std::unique_ptr<storage::MemoryStore> store;
  std::unique_ptr<Disk> disk;
  std::vector<std::uint8_t> memory;
  Limits limits = kLinux;                              // Of a device, from its next start on.
  std::unique_ptr<ChannelsOf<kSimChannels>> channels;  // In worlds that have them.
  std::vector<std::uint8_t> letter_memory;
  std::unique_ptr<runtime::DeadLetters> letters;  // In worlds that keep them.
  std::unique_ptr<runtime::HousekeepingOf<4, 8>> housekeeping;
  Erasures erasures{};
  runtime::RowTests row_tests{&erasures};
  std::unique_ptr<runtime::Replica> replica;         // A device has this one,
  std::unique_ptr<server::Coordinator> coordinator;  // the gateway that one,
  Database database;                                 // and this.
  std::int64_t wall_skew_ms = 0;
  std::int64_t drift_ppm = 0;
  bool knows_time = true;
  bool reachable = true;               // A device: whether a link to the gateway can be had,
  bool up_blocked = false;             // whether what it sends stays on the way,
  bool down_blocked = false;           // and what is sent to it.
  std::string principal{};             // A device: whom the gateway's host has proven it to be,
  std::vector<std::uint8_t> claims{};  // and what is claimed of them.
  bool slow = false;
  bool old_release = false;
  bool running = true;
  bool draining = false;               // The database is at work.
  std::uint32_t database_refuses = 0;  // So many drains more.
  bool asleep = false;
  std::uint64_t asleep_until_ms = 0;
  std::uint64_t full_until_ms = 0;
  OnFull on_full = OnFull::refuse;
  std::uint64_t down_ms = 0;  // For so long after its disk has failed.
  std::uint64_t life = 0;     // Events of an earlier life are not delivered.
  std::map<LinkId, End> links;
  std::vector<ScopeText> scopes;  // What its application subscribes to at each start.
  bool wants_online = false;
  std::map<crdt::Seq, Outcome> outcomes;
  std::vector<std::pair<std::uint32_t, crdt::Seq>> changes;  // watch, seq
  std::vector<std::string> vanished;                         // MAP/KEY of rows that were taken back without a trace.
  std::vector<std::string> said;
  std::uint64_t frame_bytes_in = 0;

  bool is_gateway() const { return coordinator != nullptr; }
};

// Sees everything and touches nothing.
class Witness {
 public:
  // After each step: `before` is the store's head as it was.
  virtual void stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) = 0;
  virtual void sent(Site& from, Site& to, Bytes frame) = 0;
  virtual void called(Site& site, const runtime::Call& call) = 0;
  // From now on the site knows no more than what its store holds.
  virtual void forgot(Site& site, Fault why) = 0;

 protected:
  ~Witness() = default;
};

class World {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::size_t devices = 2;
    std::string app = "farm";
    std::uint32_t latency_ms = 5;
    std::uint32_t commit_ms = 2;
    Limits limits = kLinux;
    server::CoordinatorOptions server{};
    Weather weather{};
    bool channels = false;         // Devices have topics and rooms.
    bool predicates = false;       // Devices hold the rows of predicates.
    bool facts = false;            // Devices write facts, and ask Datalog of them;
    bool attributes = false;       // some hold those of a few attributes,
    bool entities = false;         // or of a few entities.
    std::uint32_t letters = 0;     // Devices keep so many ops that did not get through.
    std::uint32_t ruling = 0;      // Of the gateway: tests/sim/rules.h.
    bool rules_late = false;       // They begin with its second start.
    std::uint32_t short_logs = 0;  // Of every second device: so many ops, of which the oldest is dropped. 0: none.
    std::size_t batch_bytes_max = std::size_t{64} * 1'048'576;
    std::vector<Keep> keep{};  // Of each device.
  };

  explicit World(const Options& options);

  Site& gateway() { return *sites_[0]; }
  Site& device(std::size_t index) { return *sites_[1 + index]; }
  Site& site(std::size_t index) { return *sites_[index]; }
  std::size_t device_count() const { return sites_.size() - 1; }
  std::uint64_t now_ms() const { return now_ms_; }
  std::uint64_t true_ms() const { return kEpochMs + now_ms_; }
  std::uint64_t wall_ms(const Site& site) const;  // As its clock stands; 0 while it knows no time.
  std::uint64_t trace() const { return trace_; }
  std::uint64_t event_count() const { return event_count_; }
  // So much happened within one millisecond that somebody must be asking for ever to be asked again.
  bool spins() const { return turns_now_ > kTurnsMax; }
  std::uint64_t fault_count(Fault fault) const { return faults_[static_cast<std::size_t>(fault)]; }
  const Options& options() const { return options_; }
  Weather& weather() { return options_.weather; }
  void watch_by(Witness& witness) { witness_ = &witness; }
  // Called when a device has started anew.
  void when_started(std::function<void(Site&)> todo) { started_ = std::move(todo); }
  // A transcript of all that happens from now on; null: none.
  void tell_to(std::FILE* story) { story_ = story; }
  [[gnu::format(printf, 2, 3)]] void tell(const char* format, ...);

  // ---- what an application does
  Status put(Site& device, std::string_view map, std::string_view key, std::int64_t number, std::uint64_t ttl_ms = 0,
             crdt::Seq* seq = nullptr);
  Status remove(Site& device, std::string_view map, std::string_view key);
  Status call(Site& device, runtime::Call& call);
  void subscribe(Site& device, const runtime::Scope& scope = {}, bool watched = false);
  void unsubscribe(Site& device, std::size_t index);
  void online(Site& device, bool wanted = true);
  void verify(Site& device);
  // The integer that the key holds there; `otherwise` when it holds none.
  std::int64_t get(Site& site, std::string_view map, std::string_view key, std::int64_t otherwise);

  // ---- what the world does
  void cut(Site& device);                        // Its links drop, and no new one can be had,
  void heal(Site& device);                       // until now; nothing is blocked any more either.
  void block(Site& device, bool up, bool down);  // What is sent stays on the way; both ends give up in the end.
  // Power cut: what was not flushed is gone, but for so many sealed batches. The machine is down until restart().
  void crash(Site& site, std::size_t sealed_kept = 0);
  void restart(Site& site);
  // Replaces the store by an image that was taken of it earlier, as a restored backup does.
  void restore(Site& site, const storage::MemoryStore& image, Fault why = Fault::restore);
  void sleep(Site& site, std::uint64_t ms);
  void fill_disk(Site& site, std::uint64_t ms);  // Each flush until then finds no room.
  void fail_disk(Site& site, std::uint64_t nth_write, std::uint64_t down_ms);
  void refuse_drains(std::uint32_t count);
  void nudge(Site& site);  // Events that nothing called for.
  void change_grants();    // The gateway is told that its Access gives other rights.
  void count(Fault fault) { ++faults_[static_cast<std::size_t>(fault)]; }
  void later(std::uint64_t ms, std::function<void()> todo);

  void run_ms(std::uint64_t ms);
  // Runs until `done()`; false when `ms` went by first.
  template <typename Done>
  bool run_until(Done done, std::uint64_t ms) {
    const std::uint64_t end = now_ms_ + ms;
    while (!done()) {
      if (next_at() > end) return false;
      turn();
    }
    return true;
  }
  // Every device is online, current, and has nothing pending.
  bool quiet();
  bool settle(std::uint64_t ms = 120'000) {
    return run_until([this] { return quiet(); }, ms);
  }
  // Live cells of the scope in scan order, as text: equal for equal replicas.
  std::string live_cells(Site& site, const runtime::Scope& scope = {});
  bool converged();

 private:
  struct Due {
    Site* site;  // Null: todo.
    std::uint64_t life;
    Event event;
    std::vector<std::uint8_t> bytes;
    std::function<void()> todo;
  };

  static constexpr std::uint64_t kTurnsMax = 100'000;

  void start(Site& site);
  void start_gateway(Site& site);
  void start_device(Site& site);
  void load_database(Site& site);
  void wake_up(Site& site);
  void after(std::uint64_t ms, Site& site, const Event& event, std::vector<std::uint8_t> bytes = {});
  void turn();
  void take(Due due);
  void tell_of(const Site& site, const End& end, Bytes frame);
  void wake_all();
  std::uint64_t next_at() const;
  std::uint64_t wake_at(const Site& site) const;
  bool flush(Due& due);
  void deliver(Site& site, Event event);
  void carry_out(Site& site, const Action& action);
  void commit(Site& site, std::uint64_t batch);
  void drain(Site& site, const Action& action);
  runtime::Machine& machine(Site& site);
  bool happens(std::uint32_t of_a_million) { return of_a_million > 0 && random_.below(1'000'000) < of_a_million; }

  // ---- net.cc
  void connect(Site& device);
  void want_write(Site& site, LinkId link);
  void transmit(Site& site, LinkId link, std::vector<std::uint8_t> bytes);
  std::uint64_t travel_ms(std::size_t bytes);
  bool is_blocked(const Site& from, const Site& to) const;
  void release(Site& from);
  void expire_links(Site& device);
  void drop(Site& site, LinkId link);
  void lose(Site& site, LinkId link);
  void drop_all(Site& site);
  void age(std::vector<std::uint8_t>& frame);

  Options options_;
  runtime::Random random_;
  std::vector<std::unique_ptr<Site>> sites_;
  std::multimap<std::uint64_t, Due> queue_;
  std::map<const Site*, std::vector<Due>> missed_;  // What came while a site stood still, in order.
  std::vector<std::uint8_t> room_;
  std::uint64_t now_ms_ = 0;
  std::uint64_t event_count_ = 0;
  std::uint64_t turns_now_ = 0;  // Within this millisecond.
  std::uint64_t trace_ = 0;
  LinkId next_link_ = 1;
  std::uint64_t faults_[kFaults] = {};
  Witness* witness_ = nullptr;
  std::function<void(Site&)> started_;
  std::FILE* story_ = nullptr;
};

// One line of what a frame says.
std::string describe(Bytes frame);

}  // namespace grid::sim
