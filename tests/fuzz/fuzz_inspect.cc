// SPDX-License-Identifier: Apache-2.0
//
// What an Inspector is asked: any frame, and asks of any topic and place, on a device with rows of many kinds. Every
// answer can be read, is no longer than its room, and rises; and who asks on behind each page comes to an end.
#include <memory>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "runtime/inspector.h"
#include "storage/memory/memory_store.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using runtime::Inspector;

constexpr std::uint64_t kWallMs = 1'795'000'000'000;

struct Device {
  explicit Device(test::Script& script) : memory(runtime::Replica::memory_bytes(kPico)) {
    replica = std::make_unique<runtime::Replica>(
        store, runtime::ReplicaOptions{.app = "farm", .seed = 7, .limits = &kPico}, memory);
    replica->step({.kind = runtime::Event::Kind::start, .now_ms = 1, .wall_ms = kWallMs});
    for (std::size_t rows = script.below(400); rows > 0; --rows) append(script);
    [[maybe_unused]] const Status settled = store.settle(script.below(400));
  }

  void append(test::Script& script) {
    std::uint8_t bytes[256];
    crdt::ValueWriter writer(bytes);
    writer.text(std::string(script.below(200), 'x'));
    const std::string map = script.name(1), key = script.name(1 + script.below(3)), sub = script.name(0);
    const crdt::CellName name{map, key, script.below(8) == 0 ? std::string_view(sub) : std::string_view()};
    const bool is_removed = script.below(4) == 0;
    const std::uint64_t expires_ms = script.below(4) == 0 ? kWallMs - 1 : 0;
    const crdt::Cell cell{name, crdt::Stamp::of(kWallMs, 0, 5), expires_ms, is_removed ? Bytes() : *writer.finish()};
    GRID_CHECK(store.append({.cell = cell, .local = script.flip()}).ok());
  }

  storage::MemoryStore store;
  std::vector<std::uint8_t> memory;
  std::unique_ptr<runtime::Replica> replica;
};

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  const std::size_t size = std::min(text.size(), kSize - 1);
  std::memset(field, 0, kSize);
  if (size != 0) std::memcpy(field, text.data(), size);
}

struct Page {
  Status status = Status::ok;
  bool last = false;
  std::size_t ops = 0;
};

// Reads an answer, and moves the ask behind it.
Page read(Bytes frame, grid_InspectAsk& ask) {
  wire::OpsReader reader;
  GRID_CHECK(reader.open(frame) == Status::ok && reader.head().id == ask.id);
  Page page{reader.head().status, reader.head().last, 0};
  const std::string_view topic = ask.topic;
  for (crdt::Op op; reader.next(op); ++page.ops) {
    GRID_CHECK(reader.status() == Status::ok);
    const crdt::CellName name = op.cell.name;
    const crdt::CellName before{ask.map, ask.argument, as_text({ask.sub.bytes, ask.sub.size})};
    if (topic == "oplog") GRID_CHECK(op.seq > ask.seq);
    if (topic == "ls") GRID_CHECK(name.map == ask.map && (ask.after ? before < name : before <= name));
    ask.seq = op.seq;
    if (topic == "oplog" || topic == "status" || name.key.empty()) continue;
    set(ask.map, name.map);
    set(ask.argument, name.key);
    copy(as_bytes(name.sub), ask.sub.bytes);
    ask.sub.size = static_cast<pb_size_t>(name.sub.size());
    ask.after = true;
  }
  return page;
}

void ask_any(Inspector& inspector, Device& device, Bytes frame, MutBytes room) {
  const Result<Bytes> answer = inspector.answer(frame, device.replica->status(1), kWallMs, room);
  grid_InspectAsk ask{};
  GRID_CHECK(answer.ok() == (wire::decode(frame, ask) == Status::ok));
  if (answer.ok()) read(*answer, ask);
}

void ask_on(Inspector& inspector, Device& device, test::Script& script, MutBytes room) {
  static constexpr std::string_view kTopics[] = {"ls", "oplog", "digest", "status", "get", "else"};
  grid_InspectAsk ask{};
  ask.id = 3;
  const std::size_t topic = script.below(6);
  set(ask.topic, kTopics[topic]);
  if (topic != 2) set(ask.map, script.name(1));
  if (topic != 2 && script.flip()) set(ask.argument, script.name(2));
  if (script.below(8) == 0) ask.seq = script.number(8);
  const bool goes_on = topic < 3;
  for (std::size_t pages = 0;; ++pages) {
    GRID_CHECK(pages < 1'000);
    std::uint8_t bytes[wire::kControlBytesMax];
    const Result<Bytes> answer = inspector.answer(wire::encode(ask, bytes), device.replica->status(1), kWallMs, room);
    GRID_CHECK(answer.ok() && answer->size() <= room.size() && answer->data() == room.data());
    const Page page = read(*answer, ask);
    if (page.last || !goes_on) return;
    GRID_CHECK(page.ops > 0 && (page.status == Status::ok || page.status == Status::too_large));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::Script script({data, size});
  Device device(script);
  Inspector inspector(*device.replica, device.store, {"farm", "fuzz"});
  std::vector<std::uint8_t> room(Inspector::kRoomBytesMin + script.below(1'024));
  while (!script.done()) {
    if (script.flip()) {
      ask_on(inspector, device, script, room);
    } else {
      std::vector<std::uint8_t> frame{static_cast<std::uint8_t>(wire::Kind::inspect_ask)};
      for (const std::uint8_t byte : script.take(script.below(200))) frame.push_back(byte);
      ask_any(inspector, device, frame, room);
    }
  }
  return 0;
}
