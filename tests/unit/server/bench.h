// SPDX-License-Identifier: Apache-2.0
//
// Bench: a coordinator over a memory store, whose host is the test: it hands over frames, and decides when a commit is
// on disk, when a link takes a frame, and when the power fails.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crdt/value.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "transport/wire.h"

namespace grid::server::test {

using runtime::Action;
using runtime::Event;
using runtime::LinkId;
using wire::Kind;
using Frame = std::vector<std::uint8_t>;

inline constexpr std::uint64_t kWallMs = 1'795'000'000'000;
inline constexpr std::uint8_t kOne[] = {0x18, 2};  // The integers 1 and 2.
inline constexpr std::uint8_t kTwo[] = {0x18, 4};
inline constexpr crdt::NodeId kA = 0xa;
inline constexpr crdt::NodeId kB = 0xb;

inline crdt::Op put(crdt::Seq seq, std::string_view key, std::uint64_t wall_ms, crdt::NodeId node, Bytes value = kOne) {
  crdt::Op op{.cell = {{"climate", key, {}}, crdt::Stamp::of(wall_ms, 0, node), 0, value}};
  op.seq = seq;
  return op;
}
inline crdt::Op removal(crdt::Seq seq, std::string_view key, std::uint64_t wall_ms, crdt::NodeId node) {
  return put(seq, key, wall_ms, node, {});
}

inline Frame ops_frame(Kind kind, const wire::OpsHead& head, const std::vector<crdt::Op>& ops) {
  static Frame room(1'048'576);  // One for all: a fresh one for each frame is most of what a test does under ASan.
  wire::OpsWriter writer(kind, head, room);
  for (const crdt::Op& op : ops) assert_true(writer.add(op));
  const Bytes frame = writer.finish();
  return {frame.begin(), frame.end()};
}
inline Frame push(const std::vector<crdt::Op>& ops, std::uint64_t token = 0) {
  return ops_frame(Kind::push, {.fork_token = token}, ops);
}
template <typename Message>
Frame encoded(const Message& message) {
  std::uint8_t room[wire::kControlBytesMax];
  const Bytes frame = wire::encode(message, room);
  return {frame.begin(), frame.end()};
}
template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  field[text.copy(field, kSize - 1)] = '\0';
}
inline Frame hello(crdt::NodeId node, std::uint64_t token = 0, Bytes seen = {},
                   std::uint32_t frame_bytes_max = 2 * 1'048'576) {
  grid_Hello message = grid_Hello_init_zero;
  message.protocol_min = message.protocol_max = 1;
  set(message.app, "farm");
  message.node = node;
  message.fork_token = token;
  message.seen.size = static_cast<pb_size_t>(seen.size());
  copy(seen, message.seen.bytes);
  message.wall_ms = kWallMs;
  message.frame_bytes_max = frame_bytes_max;
  message.value_bytes_max = 1'048'576;
  return encoded(message);
}
inline Frame subscribe(std::uint32_t id, Bytes cursor = {}, bool holds = false, const runtime::Scope& scope = {}) {
  grid_Subscribe message = grid_Subscribe_init_zero;
  message.id = id;
  message.kind = static_cast<std::uint32_t>(scope.kind);
  set(message.map, scope.map);
  set(message.text, scope.text);
  message.cursor.size = static_cast<pb_size_t>(cursor.size());
  copy(cursor, message.cursor.bytes);
  message.holds = holds;
  return encoded(message);
}
inline Kind kind_of(const Frame& frame) {
  const wire::Kind kind = *wire::kind_of(frame);
  return kind;
}
template <typename Message>
Message decoded(const Frame& frame) {
  Message message{};
  assert_ok(wire::decode(frame, message));
  return message;
}
// Of a frame of ops: "key=value@stamp" of each, in order; a tombstone has no value, an absence no stamp.
inline std::string rows(const Frame& frame) {
  wire::OpsReader reader;
  assert_ok(reader.open(frame));
  std::string text;
  for (crdt::Op op; reader.next(op);) {
    assert_ok(reader.status());
    text += (text.empty() ? "" : " ") + std::string(op.cell.name.key);
    if (!op.cell.is_tombstone()) text += "=" + std::to_string(crdt::Value(op.cell.value).integer_or(-1));
    if (!op.cell.stamp.is_none()) text += "@" + std::to_string(op.cell.stamp.wall_ms() - kWallMs);
  }
  return text;
}
inline Frame cursor_of(const Frame& delta) {
  wire::OpsReader reader;
  assert_ok(reader.open(delta));
  return {reader.head().cursor.begin(), reader.head().cursor.end()};
}

class Bench {
 public:
  Bench() { options.app = "farm"; }

  void start(std::uint64_t at_wall_ms = kWallMs) {
    wall_ms = at_wall_ms;
    options.seed += 7;
    coordinator = std::make_unique<server::Coordinator>(store, options);
    wants.clear();
    commits.clear();
    wants_drain = false;
    step({.kind = Event::Kind::start});
    flush();
  }
  // A power cut: what was not flushed is gone.
  void restart(std::uint64_t at_wall_ms = kWallMs) {
    coordinator.reset();
    store.crash();
    start(at_wall_ms);
  }
  void step(Event event) {
    event.now_ms = now_ms;
    event.wall_ms = wall_ms;
    bool more = false;
    const std::span<const Action> actions = coordinator->step(event);
    assert_true(actions.size() <= runtime::kActionsMax);
    for (const Action& action : actions) {
      if (action.kind == Action::Kind::want_write) assert_true(wants.insert(action.link).second);
      if (action.kind == Action::Kind::commit) commits.push_back(action.batch);
      if (action.kind == Action::Kind::close) closed.insert(action.link);
      if (action.kind == Action::Kind::frame) written = Frame(event.room.data(), event.room.data() + action.size);
      if (action.kind == Action::Kind::want_drain) wants_drain = true;
      if (action.kind == Action::Kind::search) wants_search = true;
      if (action.kind == Action::Kind::prove) proving = {action.link, std::string(action.text)};
      if (action.kind == Action::Kind::drain) {
        written = Frame(event.room.data(), event.room.data() + action.size);
        drain_through = action.seq;
      }
      if (action.kind == Action::Kind::say) said += std::string(action.text) + "\n";
      more = more || action.kind == Action::Kind::more;
    }
    if (more) step({.kind = Event::Kind::wake});
  }
  void after(std::uint64_t ms) {
    now_ms += ms;
    if (wall_ms != 0) wall_ms += ms;
    step({.kind = Event::Kind::wake});
  }
  void send(LinkId link, const Frame& frame) {
    // Exactly as long as the frame, so that a read past its end is seen.
    const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[frame.size()]);
    copy(frame, {bytes.get(), frame.size()});
    step({.kind = Event::Kind::frame, .link = link, .bytes = {bytes.get(), frame.size()}});
  }
  // The next frame of the link; empty when it has none.
  Frame next(LinkId link) {
    static Frame room(2 * 1'048'576);
    while (wants.erase(link) != 0) {
      written.clear();
      step({.kind = Event::Kind::writable, .link = link, .room = room});
      if (!written.empty()) return written;
    }
    return {};
  }
  std::vector<Frame> all(LinkId link) {
    std::vector<Frame> frames;
    for (Frame frame = next(link); !frame.empty(); frame = next(link)) frames.push_back(frame);
    return frames;
  }
  // What was committed is on disk; so is what is committed because of that.
  void flush() {
    while (!commits.empty()) {
      const std::uint64_t batch = commits.front();
      commits.erase(commits.begin());
      assert_ok(store.flush());
      store.flushed();
      step({.kind = Event::Kind::durable, .batch = batch});
    }
  }
  // A link that has said hello; the welcome that answered.
  grid_Welcome open(LinkId link, crdt::NodeId node, std::uint64_t token = 0, Bytes seen = {},
                    std::uint32_t frame_bytes_max = 2 * 1'048'576) {
    step({.kind = Event::Kind::link_up, .link = link});
    send(link, hello(node, token, seen, frame_bytes_max));
    flush();
    const Frame frame = next(link);
    assert_int_equal(kind_of(frame), Kind::welcome);
    return decoded<grid_Welcome>(frame);
  }
  void close(LinkId link) {
    wants.erase(link);
    step({.kind = Event::Kind::link_down, .link = link});
  }
  // The bye that ends a link; the gateway must then close it.
  grid_Bye farewell(LinkId link) {
    Frame last;
    for (const Frame& frame : all(link)) last = frame;
    assert_false(last.empty());
    assert_int_equal(kind_of(last), Kind::bye);
    assert_int_equal(closed.count(link), 1);
    return decoded<grid_Bye>(last);
  }

  storage::MemoryStore store;
  server::CoordinatorOptions options;
  std::unique_ptr<server::Coordinator> coordinator;
  std::uint64_t now_ms = 1'000;
  std::uint64_t wall_ms = kWallMs;
  std::set<LinkId> wants;
  std::set<LinkId> closed;
  std::vector<std::uint64_t> commits;
  bool wants_drain = false;
  bool wants_search = false;
  std::pair<LinkId, std::string> proving{};  // The last token that was to be proven.
  crdt::Seq drain_through = 0;
  Frame written;
  std::string said;
};

// Why the op was refused; ok when it was taken.
inline Status verdict_on(Bench& bench, LinkId link, const crdt::Op& op) {
  bench.send(link, push({op}));
  bench.flush();
  Status verdict = Status::ok;
  for (const Frame& frame : bench.all(link)) {
    wire::OpsReader reader;
    if (kind_of(frame) == Kind::reject && reader.open(frame) == Status::ok) verdict = reader.head().status;
  }
  return verdict;
}

// cmocka's asserts leave by longjmp: the bench is made and ended outside of the tests.
inline int set_up(void** state) {
  auto* bench = new Bench;
  *state = bench;
  bench->start();
  return 0;
}
inline int tear_down(void** state) {
  delete static_cast<Bench*>(*state);
  return 0;
}
inline Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

}  // namespace grid::server::test

#define server_test(function) \
  cmocka_unit_test_setup_teardown(function, ::grid::server::test::set_up, ::grid::server::test::tear_down)
