// SPDX-License-Identifier: Apache-2.0
//
// The small, exhausted: what three replicas write, each knowing some of what the others wrote, is merged in every
// order, in every grouping and twice. All must end in the same bytes, and show what a model says that knows no merge:
// the write that is last in the order of time.
//
// A view joins as one more row of kViews.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "crdt/clock.h"
#include "crdt/lww_map.h"
#include "tests/check.h"

namespace {

using namespace grid;
using crdt::Cell;
using crdt::CellName;
using crdt::Stamp;

constexpr std::size_t kReplicas = 3;
constexpr std::uint64_t kStartMs = 1'795'000'000'000;
// A row with a time to live is there when it is read early, and gone later.
constexpr std::uint64_t kTtlMs = 50;
constexpr std::uint64_t kReadMs[] = {0, kStartMs + 10, kStartMs + kTtlMs - 1, kStartMs + kTtlMs, kStartMs + 1'000};
constexpr const char* kKeys[] = {"k", "l"};

// A cell that owns its bytes.
struct Kept {
  std::string key, sub, value;
  Stamp stamp;
  std::uint64_t expires_ms = 0;

  explicit Kept(const Cell& cell)
      : key(cell.name.key),
        sub(cell.name.sub),
        value(as_text(cell.value)),
        stamp(cell.stamp),
        expires_ms(cell.expires_ms) {}
  Cell view() const { return {{"m", key, sub}, stamp, expires_ms, as_bytes(value)}; }
  friend bool operator==(const Kept&, const Kept&) = default;
};

// A replica's cells, in the order of their names.
class Cells {
 public:
  void merge(const Cell& cell) {
    const auto at = std::lower_bound(cells_.begin(), cells_.end(), cell.name, is_before);
    if (at == cells_.end() || at->view().name != cell.name) {
      cells_.insert(at, Kept(cell));
    } else if (crdt::wins(cell, at->view())) {
      *at = Kept(cell);
    }
  }
  void merge(const Cells& other) {
    for (const Kept& kept : other.cells_) merge(kept.view());
  }
  // Without a stamp when there is none of that name.
  Cell find(const CellName& name) const {
    const auto at = std::lower_bound(cells_.begin(), cells_.end(), name, is_before);
    return at == cells_.end() || at->view().name != name ? Cell{name, {}, 0, {}} : at->view();
  }
  friend bool operator==(const Cells&, const Cells&) = default;

 private:
  static bool is_before(const Kept& kept, const CellName& name) { return kept.view().name < name; }

  std::vector<Kept> cells_;
};

Cells merged(std::initializer_list<const Cells*> parts) {
  Cells all;
  for (const Cells* part : parts) all.merge(*part);
  return all;
}

// What a replica does, when by its own clock, and which of the moves before it has heard of.
struct Move {
  std::size_t verb = 0;
  std::size_t key = 0;
  std::size_t replica = 0;
  std::uint64_t wall_ms = 0;
  std::size_t heard = 0;  // Bit i: move i.
};

struct Written {
  Move move;
  Stamp stamp;
};

// One way to see cells: what its verbs write, what a key shows, and what the model says that it must show.
struct View {
  const char* name;
  std::size_t verbs;
  Cells (*write)(const Written& written, const Cells& seen);
  std::string (*read)(const Cells& cells, const char* key, std::uint64_t now_ms);
  std::string (*expect)(const std::vector<Written>& all, std::size_t key, std::uint64_t now_ms);
};

// ---- LWW-Map: put, remove, put with a time to live

enum : std::size_t { put, remove, put_for_a_while };

Cells lww_write(const Written& written, const Cells&) {
  const char* key = kKeys[written.move.key];
  // The integer that names the writer.
  const std::uint8_t value[] = {0x18, static_cast<std::uint8_t>(2 * written.move.replica)};
  const std::uint64_t expires_ms = written.move.verb == put_for_a_while ? kStartMs + kTtlMs : 0;
  Cells delta;
  delta.merge(written.move.verb == remove ? crdt::lww_map::remove("m", key, written.stamp)
                                          : crdt::lww_map::put("m", key, written.stamp, value, expires_ms));
  return delta;
}

std::string lww_read(const Cells& cells, const char* key, std::uint64_t now_ms) {
  const crdt::Value value = crdt::lww_map::read(cells.find(crdt::lww_map::name("m", key)), now_ms);
  return !value.exists() ? "-" : std::to_string(value.integer_or(-1));
}

// The last write of the key: by time, and at the same time by replica.
std::string lww_expect(const std::vector<Written>& all, std::size_t key, std::uint64_t now_ms) {
  const Written* last = nullptr;
  for (const Written& written : all) {
    if (written.move.key == key && (last == nullptr || written.stamp > last->stamp)) last = &written;
  }
  if (last == nullptr || last->move.verb == remove) return "-";
  const bool is_over = now_ms != 0 && now_ms >= kStartMs + kTtlMs;
  return last->move.verb == put_for_a_while && is_over ? "-" : std::to_string(last->move.replica);
}

constexpr View kViews[] = {{"LWW-Map", 3, lww_write, lww_read, lww_expect}};

// ---- histories

struct Outcome {
  std::vector<Written> written;
  std::vector<Cells> deltas;                // Of each move,
  std::array<Cells, kReplicas> states;      // and what each replica holds at the end.
  std::array<Stamp, kReplicas> greatest{};  // That it issued or heard of.
};

void hear(Outcome& outcome, crdt::Clock& clock, std::size_t replica, std::size_t heard) {
  for (std::size_t before = 0; before < outcome.written.size(); ++before) {
    if ((heard >> before & 1) == 0) continue;
    const Stamp stamp = outcome.written[before].stamp;
    bool raised = false;
    assert_ok(clock.merge(stamp, raised));
    outcome.greatest[replica] = std::max(outcome.greatest[replica], stamp);
    outcome.states[replica].merge(outcome.deltas[before]);
  }
}

// Plays the moves on three clocks: each stamp is behind all that its replica knew, and none comes twice.
Outcome play(const View& view, const std::vector<Move>& moves) {
  crdt::Clock clocks[kReplicas];
  for (std::size_t i = 0; i < kReplicas; ++i) clocks[i] = crdt::Clock(i + 1, {}, 1'000);
  Outcome outcome;
  for (const Move& move : moves) {
    hear(outcome, clocks[move.replica], move.replica, move.heard);
    Written written{move, {}};
    bool raised = false;
    assert_ok(clocks[move.replica].tick(move.wall_ms, written.stamp, raised));
    assert_true(written.stamp > outcome.greatest[move.replica]);
    for (const Written& other : outcome.written) assert_false(other.stamp == written.stamp);
    outcome.greatest[move.replica] = written.stamp;
    outcome.deltas.push_back(view.write(written, outcome.states[move.replica]));
    outcome.states[move.replica].merge(outcome.deltas.back());
    outcome.written.push_back(written);
  }
  return outcome;
}

// Every order and grouping of three parts, and each part more than once.
void assert_every_merge_is(const Cells& expected, const Cells* parts) {
  std::array<std::size_t, 3> order = {0, 1, 2};
  do {
    const Cells &a = parts[order[0]], &b = parts[order[1]], &c = parts[order[2]];
    const Cells left = merged({&a, &b}), right = merged({&b, &c});
    assert_true(merged({&a, &b, &c}) == expected);
    assert_true(merged({&left, &c}) == expected);
    assert_true(merged({&a, &right}) == expected);
    assert_true(merged({&right, &left}) == expected);
    assert_true(merged({&a, &b, &a, &c, &b, &c}) == expected);
  } while (std::next_permutation(order.begin(), order.end()));
}

void assert_shows_what_the_model_says(const View& view, const Outcome& outcome, const Cells& cells) {
  for (std::size_t key = 0; key < std::size(kKeys); ++key) {
    for (const std::uint64_t now_ms : kReadMs) {
      const std::string expected = view.expect(outcome.written, key, now_ms);
      assert_string_equal(view.read(cells, kKeys[key], now_ms).c_str(), expected.c_str());
    }
  }
}

// Calls `visit(digits)` for each number whose digit i is below bounds[i].
template <std::size_t kCount, typename Visit>
void each_number(const std::array<std::size_t, kCount>& bounds, Visit visit) {
  std::array<std::size_t, kCount> digits{};
  for (;;) {
    visit(digits);
    std::size_t at = 0;
    while (at < kCount && ++digits[at] == bounds[at]) digits[at++] = 0;
    if (at == kCount) return;
  }
}

// Three moves: each with every verb, on one key or two, by every replica, at a wall time that stands still, goes on or
// goes back, having heard of every choice of the moves before.
std::size_t exhaust_three_moves(const View& view) {
  std::size_t histories = 0;
  const std::array<std::size_t, 12> bounds = {view.verbs, view.verbs, view.verbs, 2, 2, 3, 3, 3, 3, 3, 2, 4};
  each_number(bounds, [&](const std::array<std::size_t, 12>& d) {
    // A replica need not hear of its own.
    const std::size_t own = (d[5] == d[7] ? 1 : 0) | (d[6] == d[7] ? 2 : 0);
    if ((d[5] == d[6] && d[10] != 0) || (d[11] & own) != 0) return;
    const std::uint64_t second_ms = kStartMs + d[8] - 1;
    const Outcome outcome = play(view, {{d[0], 0, d[5], kStartMs, 0},
                                        {d[1], d[3], d[6], second_ms, d[10]},
                                        {d[2], d[4], d[7], second_ms + d[9] - 1, d[11]}});
    const Cells all = merged({&outcome.deltas[0], &outcome.deltas[1], &outcome.deltas[2]});
    assert_every_merge_is(all, outcome.deltas.data());
    assert_shows_what_the_model_says(view, outcome, all);
    ++histories;
  });
  return histories;
}

// CEL-1, CLK-1
void three_moves_end_alike_in_whatever_order_they_are_merged(void**) {
  for (const View& view : kViews) {
    const std::size_t histories = exhaust_three_moves(view);
    print_message("%s: %zu histories of three moves\n", view.name, histories);
    assert_true(histories > 100'000);
  }
}

// Each replica makes three moves, one with each verb, and hears of nothing: every interleaving of the nine, in the same
// millisecond or one after the other, with each replica on either key.
std::size_t exhaust_nine_moves(const View& view) {
  std::size_t histories = 0;
  std::array<std::size_t, 9> turns = {0, 0, 0, 1, 1, 1, 2, 2, 2};
  do {
    each_number(std::array<std::size_t, 4>{2, 2, 2, 2}, [&](const std::array<std::size_t, 4>& d) {
      std::array<std::size_t, kReplicas> made{};
      std::vector<Move> moves;
      for (const std::size_t replica : turns) {
        const std::uint64_t wall_ms = kStartMs + d[3] * moves.size();
        moves.push_back({(replica + made[replica]++) % view.verbs, d[replica], replica, wall_ms, 0});
      }
      const Outcome outcome = play(view, moves);
      Cells all;
      for (const Cells& delta : outcome.deltas) all.merge(delta);
      assert_every_merge_is(all, outcome.states.data());
      assert_shows_what_the_model_says(view, outcome, all);
      ++histories;
    });
  } while (std::next_permutation(turns.begin(), turns.end()));
  return histories;
}

// CEL-1, CLK-1
void three_replicas_with_three_moves_each_end_alike_however_they_interleave(void**) {
  for (const View& view : kViews) {
    const std::size_t histories = exhaust_nine_moves(view);
    print_message("%s: %zu histories of nine moves\n", view.name, histories);
    assert_int_equal(histories, 1'680 * 16);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(three_moves_end_alike_in_whatever_order_they_are_merged),
      cmocka_unit_test(three_replicas_with_three_moves_each_end_alike_however_they_interleave),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
