// SPDX-License-Identifier: Apache-2.0
//
// Fan-out: what a write costs a gateway beside ten thousand subscriptions of `field = const` on one map, and beside
// ten, of which it concerns the same number: two. And what it costs to send a device that begins the one row that it
// wants of very many, by an index and without. One store in memory, frames taken as they come, no network.

#include <cstdlib>
#include <memory>
#include <set>

#include "crdt/value.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"
#include "tests/bench/figures.h"
#include "transport/wire.h"

namespace {

using namespace grid;
using runtime::Action;
using runtime::Event;
using runtime::LinkId;

constexpr int kRuns = 5;
constexpr std::size_t kWrites = 5'000;
constexpr std::size_t kOfOneLink = 250;
constexpr std::size_t kRows = 100'000;
constexpr std::uint64_t kWallMs = 1'795'000'000'000;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_fanout: %s\n", what);
  std::exit(1);
}

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  field[text.copy(field, kSize - 1)] = '\0';
}

class Gateway {
 public:
  explicit Gateway(std::size_t subscriptions, std::span<const server::IndexedField> indexes = {})
      : coordinator_(store_, options(indexes)) {
    step({.kind = Event::Kind::start});
    greet(kWriter);
    std::size_t made = 0;
    for (; made < subscriptions; ++last_link_) {
      greet(last_link_ + 1);
      for (std::uint32_t id = 1; id <= kOfOneLink && made < subscriptions; ++id) subscribe(last_link_ + 1, id, made++);
      drain();
    }
  }

  // Of one row, which goes from one subscription to the next with each.
  double seconds_of_a_write() {
    const double begin = bench::seconds();
    for (std::size_t i = 0; i < kWrites; ++i) {
      write("row", i % 10);
      drain();
    }
    return (bench::seconds() - begin) / kWrites;
  }
  // Each of another station.
  void fill(std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      write("row" + std::to_string(i), i);
      drain();
    }
  }
  // Of one row, up to the digest of all that there is of it.
  double seconds_of_a_first_pull(std::size_t station) {
    greet(++last_link_);
    const double begin = bench::seconds();
    subscribe(last_link_, 1, station);
    drain();
    return bench::seconds() - begin;
  }
  std::uint64_t sent_count() const { return coordinator_.status().cells_sent; }
  std::uint64_t judged_count() const { return coordinator_.status().rows_judged; }

 private:
  static constexpr LinkId kWriter = 1;

  static server::CoordinatorOptions options(std::span<const server::IndexedField> indexes) {
    server::CoordinatorOptions options;
    options.app = "farm";
    options.seed = 7;
    options.indexes = indexes;
    return options;
  }

  void step(Event event) {
    event.now_ms = kWallMs;
    event.wall_ms = kWallMs;
    bool more = false;
    std::vector<std::uint64_t> commits;
    for (const Action& action : coordinator_.step(event)) {
      if (action.kind == Action::Kind::want_write) wants_.insert(action.link);
      if (action.kind == Action::Kind::commit) commits.push_back(action.batch);
      must(action.kind != Action::Kind::close, "the gateway ends a link");
      more = more || action.kind == Action::Kind::more;
    }
    for (const std::uint64_t batch : commits) {
      must(store_.flush() == Status::ok, "the store flushes nothing");
      store_.flushed();
      step({.kind = Event::Kind::durable, .batch = batch});
    }
    if (more) step({.kind = Event::Kind::wake});
  }
  template <typename Message>
  void say(LinkId link, const Message& message) {
    std::uint8_t room[wire::kControlBytesMax];
    step({.kind = Event::Kind::frame, .link = link, .bytes = wire::encode(message, room)});
  }
  void drain() {
    while (!wants_.empty()) {
      const LinkId link = *wants_.begin();
      wants_.erase(wants_.begin());
      step({.kind = Event::Kind::writable, .link = link, .room = room_});
    }
  }
  void greet(LinkId link) {
    step({.kind = Event::Kind::link_up, .link = link});
    grid_Hello hello = grid_Hello_init_zero;
    hello.protocol_min = wire::kProtocolMin;
    hello.protocol_max = wire::kProtocolMax;
    set(hello.app, "farm");
    hello.node = link;
    hello.wall_ms = kWallMs;
    hello.frame_bytes_max = static_cast<std::uint32_t>(room_.size());
    hello.value_bytes_max = 4'096;
    say(link, hello);
    drain();
  }
  void subscribe(LinkId link, std::uint32_t id, std::size_t number) {
    grid_Subscribe message = grid_Subscribe_init_zero;
    message.id = id;
    message.kind = static_cast<std::uint32_t>(wire::ScopeKind::where);
    set(message.map, "climate");
    set(message.text, "station = " + std::to_string(number));
    say(link, message);
  }
  void write(std::string_view key, std::size_t station) {
    std::uint8_t value[64];
    crdt::ValueWriter writer(value);
    writer.begin_record();
    writer.field("station");
    writer.integer(static_cast<std::int64_t>(station));
    writer.end_record();
    const crdt::Stamp stamp =
        crdt::Stamp::of(kWallMs + seq_ / 10'000, static_cast<std::uint16_t>(seq_ % 10'000), kWriter);
    crdt::Op op{.cell = {{"climate", key, {}}, stamp, 0, *writer.finish()}};
    op.seq = ++seq_;
    wire::OpsWriter frame(wire::Kind::push, {}, frame_);
    must(frame.add(op), "no room for a write");
    step({.kind = Event::Kind::frame, .link = kWriter, .bytes = frame.finish()});
  }

  storage::MemoryStore store_;
  server::Coordinator coordinator_;
  std::vector<std::uint8_t> room_ = std::vector<std::uint8_t>(65'536);
  std::uint8_t frame_[1'024];
  std::set<LinkId> wants_;
  crdt::Seq seq_ = 0;
  LinkId last_link_ = kWriter;
};

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  Gateway few(10), many(10'000);
  std::vector<double> of_few, of_many;
  for (int run = 0; run < kRuns; ++run) {
    of_many.push_back(many.seconds_of_a_write() * 1e9);
    of_few.push_back(few.seconds_of_a_write() * 1e9);
  }
  must(many.judged_count() == few.judged_count(), "ten thousand subscriptions look at other rows than ten do");
  figures.ratio("a write beside 10,000 subscriptions of field = x", "ns", of_many, "beside 10", of_few, 0);

  const std::vector<server::IndexedField> indexes = {{"climate", "station", runtime::IndexKind::hash}};
  Gateway indexed(0, indexes), plain(0);
  indexed.fill(kRows);
  plain.fill(kRows);
  std::vector<double> by_index, by_journal;
  for (std::size_t run = 1; run <= kRuns; ++run) {
    by_index.push_back(indexed.seconds_of_a_first_pull(run * 13'577) * 1e6);
    by_journal.push_back(plain.seconds_of_a_first_pull(run * 13'577) * 1e6);
  }
  must(indexed.sent_count() == kRuns && plain.sent_count() == kRuns, "the row that is wanted is not sent");
  figures.ratio("first pull of 1 row of 100,000, by an index", "us", by_index, "without one", by_journal, 0);
  return figures.finish();
}
