// SPDX-License-Identifier: Apache-2.0
//
// The least device that has all of Grid's base: rows, their log, sync with comparison, the flash store, the WebSocket,
// the loop. Linked to be weighed, alone and with one part more, and never run: mcu.py tells the difference.

#include "ports/bare/bare_board.h"
#include "ports/chip/grid/chip.h"
#ifdef GRID_PART_inspect
#include "ports/bare/grid/bare_inspection.h"
#endif
#ifdef GRID_PART_sets
#include "runtime/grid/views.h"
#endif
#ifdef GRID_PART_counters
#include "runtime/grid/views.h"
#endif
#ifdef GRID_PART_batch
#include "runtime/grid/batch.h"
#endif
#ifdef GRID_PART_predicates
#include "crdt/query/compile.h"
#endif
#if defined(GRID_PART_datalog) || defined(GRID_PART_datalog_lean) || defined(GRID_PART_datalog_text)
#define GRID_PART_ask
#endif
#if defined(GRID_PART_facts) || defined(GRID_PART_ask)
#define GRID_PART_of_facts
#include "runtime/grid/facts.h"
#endif
#if defined(GRID_PART_ask)
#include "runtime/grid/small_datalog.h"
#endif
#ifdef GRID_PART_datalog_text
#include "crdt/datalog/parse.h"
#else
#include "crdt/datalog/query_maker.h"
#endif
#ifdef GRID_PART_channels
#include "runtime/channels.h"
#endif

namespace {

using namespace grid;

constexpr std::uint32_t kCells = 256;
constexpr std::uint32_t kSectors = 16;  // 64 KiB.

bare::BareBoard board;
ChipHost<GRID_LIMITS, kCells, kSectors> host(board);

std::int64_t sum = 0;

void add(const Change& change) { sum += change.now["n"].integer_or(0); }

#if defined(GRID_PART_ask)
alignas(8) std::uint8_t memory[16 * 1'024];
alignas(8) std::uint8_t room[4 * 1'024];

Result<datalog::Query> question(Arena& arena) {
#ifdef GRID_PART_datalog_text
  datalog::Trouble trouble;
  const Result<datalog::Query> query = datalog::parse("[:find ?h :where [?h :hut/beds 12]]", {}, arena, trouble);
  char sentence[64];
  if (!query.ok()) sum += static_cast<std::int64_t>(trouble.sentence(sentence).size());
  return query;
#else
  constexpr datalog::Var kHut{"?h"};
  datalog::QueryMaker ask(arena);
  return ask.find(kHut).where(kHut, "hut/beds", 12).make();
#endif
}

Status use_datalog(Node& node) {
  Arena arena(room);
  const Result<datalog::Query> query = question(arena);
  if (!query.ok()) return query.status();
  SmallDatalog about(node, "huts", memory);
  return about.ask(*query, {}, [](std::span<const Value> row) { sum += row[0].integer_or(0); });
}
#endif

#ifdef GRID_PART_of_facts
Status use_facts(Node& node) {
  Facts huts(node, "huts");
#if defined(GRID_PART_ask)
  if (const Status status = use_datalog(node); status != Status::ok) return status;
#endif
  return huts.set("1", "hut/beds", 12).status();
}
#endif

}  // namespace

int main() {
  ChipOptions options{.app = "farm", .store = "grid", .server = "ws://10.0.2.2:7271"};
#ifdef GRID_PART_channels
  static ChannelsOf<kChipChannels> channels;
  options.channels = channels;
#endif
#if defined(GRID_PART_sets) || defined(GRID_PART_counters) || defined(GRID_PART_batch)
  options.views = &runtime::kViews;
#endif
#ifdef GRID_PART_of_facts
  options.views = &runtime::kFactViews;
#endif
  Node* node = host.open(options);
  if (node == nullptr) return 1;
  Map map = node->map("climate");
  if (map.subscribe("set/") != Status::ok || map.scan("", add) != Status::ok) return 1;
  Watch watch = map.watch("fan/", add);
#ifdef GRID_PART_inspect
  static BareInspection<GRID_LIMITS> inspection(host.loop(), "farm");
#endif
#ifdef GRID_PART_sets
  OrMap tags(*node, "tags");
  std::size_t values = 0;
  tags.add("bench/1", "dry");
  tags.remove("bench/1", "wet");
  if (tags.values("bench/1", [&values](const Value&) { ++values; }) == Status::ok && values > 9)
    tags.remove_all("bench/1");
#endif
#ifdef GRID_PART_counters
  CounterMap visits(*node, "visits");
  if (visits.value("gate") < 9) visits.increment("gate");
#endif
#ifdef GRID_PART_channels
  Topic alarm = node->topic("alarm/+");
  const Listening listening = alarm.listen([](const Heard& heard) { sum += heard.value.integer_or(0); });
  if (node->topic("alarm/kitchen").publish({{"n", sum}}) != Status::ok) return 1;
#endif
#ifdef GRID_PART_predicates
  std::uint8_t room[256];
  query::Trouble trouble;
  const Result<query::Predicate> where = query::compile("n > 9 and key like 'bench/%'", {}, room, trouble);
  if (where.ok() && where->matches({"bench/1", map.get("bench/1")})) ++sum;
#endif
#ifdef GRID_PART_of_facts
  if (use_facts(*node) != Status::ok) return 1;
#endif
#ifdef GRID_PART_batch
  BatchOf<128, 4> batch;
  batch.put("climate", "bench/1", {{"n", 1}});
  batch.remove("climate", "bench/2");
  batch.commit(*node);
#endif
  for (;;) {
    const Write write = map.put("bench/1", {{"n", sum}});
    if (!host.wait(write, Outcome::durable, 1'000)) host.sync_once(10'000);
    if (map.get("bench/2").kind() != ValueKind::absent) map.remove("bench/2");
#ifdef GRID_PART_inspect
    inspection.turn();
#endif
    host.run_for(1'000);
  }
}
