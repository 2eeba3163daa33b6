// SPDX-License-Identifier: Apache-2.0
//
// Random schedules of writes, cuts, crashes, wrong clocks and restored images; once the faults stop, all replicas are
// equal and nothing that was acknowledged durable is gone.
//
// A failure prints the seed; GRID_SEED=n GRID_SEEDS=1 replays it.

#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/check.h"
#include "tests/sim/world.h"

using grid::Outcome;
using grid::Status;
using grid::runtime::Random;
using grid::sim::Site;
using grid::sim::World;

namespace {

struct Written {
  Site* site;
  std::uint64_t life;
  grid::crdt::Seq seq;
  std::string key;
};

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed)
      : random_(seed),
        world_({.seed = seed,
                .devices = 2 + random_.below(4),
                .latency_ms = static_cast<std::uint32_t>(1 + random_.below(40)),
                .commit_ms = static_cast<std::uint32_t>(1 + random_.below(30))}) {}

  bool run() {
    for (std::size_t i = 0; i < world_.device_count(); ++i) join(device(i));
    const std::uint64_t turns = 200 + random_.below(400);
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      act();
      world_.run_ms(random_.below(60));
    }
    calm();
    return judge();
  }
  const char* problem() const { return problem_.c_str(); }

 private:
  Site& device(std::size_t index) { return world_.device(index); }
  Site& any() { return device(random_.below(world_.device_count())); }

  void join(Site& site) {
    world_.subscribe(site);
    world_.online(site);
  }

  void act() {
    Site& site = any();
    const std::uint64_t dice = random_.below(100);
    if (dice < 40) return write(site, "hot/" + std::to_string(random_.below(12)), false);
    if (dice < 65) return write(site, "own/" + std::to_string(next_++), true);
    if (dice < 72) return remove(site);
    if (dice < 79) return world_.cut(site);
    if (dice < 88) return world_.heal(any());
    if (dice < 91 && site.running) return world_.crash(site);
    if (dice < 94) return restart(site);
    if (dice < 95 && world_.gateway().running) return world_.crash(world_.gateway());
    if (dice < 97) return restart(world_.gateway());
    if (dice < 98) return skew(site);
    if (dice < 99) return take_image(site);
    restore_image();
  }

  void write(Site& site, const std::string& key, bool once) {
    if (!site.running) return;
    note_durable();
    grid::crdt::Seq seq = 0;
    const std::uint64_t ttl = !once && random_.below(10) == 0 ? 1 + random_.below(5'000) : 0;
    if (world_.put(site, "m", key, static_cast<std::int64_t>(random_.below(1'000'000)), ttl, &seq) != Status::ok)
      return;
    if (once) written_.push_back({&site, site.life, seq, key});
  }

  void remove(Site& site) {
    if (!site.running) return;
    [[maybe_unused]] const Status status = world_.remove(site, "m", "hot/" + std::to_string(random_.below(12)));
  }

  void restart(Site& site) {
    if (!site.running) world_.restart(site);
  }

  // Minutes, a decade, or no time at all.
  void skew(Site& site) {
    const std::int64_t steps[] = {
        0, 0, 180'000, -180'000, std::int64_t{3'650} * 86'400'000, -std::int64_t{3'650} * 86'400'000};
    site.knows_time = random_.below(4) != 0;
    site.wall_skew_ms = steps[random_.below(std::size(steps))];
    if (site.wall_skew_ms < 0) site.knows_time = site.knows_time && site.wall_skew_ms > -86'400'000;
  }

  void take_image(Site& site) {
    if (image_ != nullptr) return;
    image_of_ = &site;
    image_ = std::make_unique<grid::storage::MemoryStore>(*site.store);
    image_->crash();
  }

  // What was durable when the image was restored may rest on this device alone no more than on any other.
  void restore_image() {
    if (image_ == nullptr) return;
    note_durable();
    world_.restore(*image_of_, *image_);
    std::erase_if(written_, [this](const Written& w) { return w.site == image_of_; });
    image_ = nullptr;
  }

  // Moves what the gateway has acknowledged as durable into the ledger.
  void note_durable() {
    std::erase_if(written_, [this](const Written& w) {
      if (w.life != w.site->life || !w.site->running) return true;
      const Outcome outcome = w.site->replica->outcome_of(w.seq);
      if (outcome == Outcome::durable) durable_.insert(w.key);
      return outcome == Outcome::durable || outcome == Outcome::superseded || outcome == Outcome::rejected;
    });
  }

  void calm() {
    restart(world_.gateway());
    for (std::size_t i = 0; i < world_.device_count(); ++i) {
      world_.heal(device(i));
      restart(device(i));
      if (device(i).wall_skew_ms > 60'000 || device(i).wall_skew_ms < 0) device(i).wall_skew_ms = 0;
    }
  }

  bool judge() {
    if (!world_.settle(600'000)) return fail("it does not come to rest");
    world_.run_ms(6'000);  // What expires has expired.
    note_durable();
    if (!world_.converged()) return fail("replicas differ");
    for (std::size_t i = 0; i < world_.device_count(); ++i) world_.verify(device(i));
    const auto verified = [this] {
      for (std::size_t i = 0; i < world_.device_count(); ++i) {
        if (!device(i).replica->status(world_.now_ms()).verified) return false;
      }
      return true;
    };
    if (!world_.run_until(verified, 600'000)) return fail("equal replicas have unequal digests");
    for (const std::string& key : durable_) {
      if (world_.get(world_.gateway(), "m", key, -1) < 0)
        return fail("an op that was acknowledged durable is gone: " + key);
    }
    return true;
  }

  bool fail(const std::string& problem) {
    const auto counted = world_.gateway().coordinator->digest({});
    problem_ = problem + "; the gateway counts " + std::to_string(counted.count) + " cells";
    for (std::size_t i = 0; i < world_.device_count(); ++i) {
      const auto status = device(i).replica->status(world_.now_ms());
      problem_ += "\n  " + device(i).name + ": " + name_of(status.state) + ", pending " +
                  std::to_string(status.ops_pending) + ", current " + std::to_string(status.current) + ", quiet " +
                  std::to_string(status.quiet) + ", verified " + std::to_string(status.verified) + ", offset " +
                  std::to_string(status.clock_offset_ms) + ", " + name_of(status.quality) + ", skew " +
                  std::to_string(device(i).wall_skew_ms) + ", counts " +
                  std::to_string(device(i).replica->digest({}, 0).count) + ", " + device(i).replica->problem();
    }
    if (std::getenv("GRID_TRACE") == nullptr) return false;
    problem_ += "\ngateway:\n" + world_.live_cells(world_.gateway());
    for (std::size_t i = 0; i < world_.device_count(); ++i) {
      problem_ += device(i).name + ":\n" + world_.live_cells(device(i));
    }
    return false;
  }

  Random random_;
  World world_;
  std::uint64_t next_ = 0;
  std::vector<Written> written_;
  std::set<std::string> durable_;
  Site* image_of_ = nullptr;
  std::unique_ptr<grid::storage::MemoryStore> image_;
  std::string problem_;
};

std::uint64_t number_of(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

// SYN-1, SYN-2, ACK-1
static void random_schedules_end_in_equal_replicas(void**) {
  const std::uint64_t first = number_of("GRID_SEED", 1);
  const std::uint64_t count = number_of("GRID_SEEDS", 150);
  std::uint64_t failures = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Chaos chaos(seed);
    if (chaos.run()) continue;
    ++failures;
    std::fprintf(stderr, "GRID_SEED=%llu GRID_SEEDS=1: %s\n", static_cast<unsigned long long>(seed), chaos.problem());
  }
  assert_int_equal(failures, 0);
}

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(random_schedules_end_in_equal_replicas)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
