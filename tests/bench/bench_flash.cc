// SPDX-License-Identifier: Apache-2.0
//
// What a flash store costs its chip: counted on the emulator, so the same on every machine.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/figures.h"
#include "tests/flash/flash_chip.h"

namespace {

using namespace grid;
using test::FlashChip;
using test::NorEmulator;

constexpr double kErasesOfLife = 100'000, kSecondsOfYear = 365.25 * 86'400;

void must(Status status, const storage::FlashStore& store) {
  if (status == Status::ok) return;
  std::fprintf(stderr, "%s\n", store.problem());
  std::exit(1);
}

struct Load {
  explicit Load(std::uint32_t kilobytes, std::uint32_t cells_wanted)
      : device(kilobytes / 4), chip(std::make_unique<FlashChip>(device, options)), cells(cells_wanted) {
    must(chip->store().mount(), chip->store());
  }

  static crdt::Op op_of(const std::string& key, const std::string& value) {
    crdt::Op op;
    op.cell = {{"climate", key}, crdt::Stamp::of(1'700'000'000'000, 0, 1), 0, as_bytes(value)};
    op.local = true;
    return op;
  }
  std::uint64_t append(std::uint32_t cell) {
    const std::uint64_t before = device.counts().changes();
    const std::string key = "sensor/" + std::to_string(cell);
    must(chip->store().append(op_of(key, value)).status(), chip->store());
    return device.counts().changes() - before;
  }
  void write(std::uint32_t cell) {
    const std::uint64_t erases = device.counts().erases;
    const std::uint64_t calls = append(cell);
    worst_append = std::max(worst_append, calls);
    if (device.counts().erases != erases) ++appends_with_erase;
    must(chip->store().commit(), chip->store());
  }
  void warm_up(int writes) {
    for (std::uint32_t i = 0; i < cells; ++i) write(i);
    run(writes);
    worst_append = appends_with_erase = 0;
    device.reset_counts();
  }
  void run(int writes) {
    for (int i = 0; i < writes; ++i) {
      random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      write(static_cast<std::uint32_t>((random >> 33) % cells));
    }
  }

  storage::FlashOptions options{.cells_max = 8'000, .in_flight_max = 64};
  NorEmulator device;
  std::unique_ptr<FlashChip> chip;
  std::uint32_t cells;
  std::string value = std::string(64, 'v');
  std::uint64_t random = 1, worst_append = 0, appends_with_erase = 0;
};

void fills(bench::Figures& figures) {
  for (const int percent : {25, 50, 75}) {
    const std::uint32_t cells = static_cast<std::uint32_t>(256 * 1'024 * percent / 100 / 128);
    Load load(256, cells);
    load.warm_up(8'000);
    const int writes = 40'000;
    load.run(writes);
    const std::string at = std::to_string(percent) + " % of 256 KB live: ";
    const auto& counts = load.device.counts();
    // 128 bytes of record; each write has a commit of its own.
    figures.plain(at + "bytes programmed / record bytes", "x", double(counts.bytes_programmed) / (128.0 * writes), 0);
    figures.plain(at + "worst append", "calls", double(load.worst_append), 0);
    figures.plain(at + "appends that waited for an erase", "", double(load.appends_with_erase), 0);
    const auto wear = load.chip->store().wear();
    figures.plain(at + "wear max / mean", "x", double(wear.erases_max) * wear.sectors / double(wear.erases_sum), 0);
    load.device.reset_counts();
    const double begin = bench::seconds();
    FlashChip again(load.device, load.options);
    must(again.store().mount(), again.store());
    figures.plain(at + "mount, reads", "calls", double(load.device.counts().reads), 0);
    figures.plain(at + "mount, bytes read", "KB", double(load.device.counts().bytes_read) / 1'024, 0);
    figures.plain(at + "mount, on this machine", "ms", (bench::seconds() - begin) * 1e3, 0);
  }
}

void years(bench::Figures& figures) {
  for (const std::uint32_t kilobytes : {64u, 256u, 1'024u}) {
    Load load(kilobytes, 40);
    load.warm_up(8'000);
    const auto before = load.device.erases();
    const int writes = 100'000;
    load.run(writes);
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < before.size(); ++i) most = std::max(most, load.device.erases()[i] - before[i]);
    const double seconds = kErasesOfLife / most * writes;
    figures.plain("life at 1 write/s of 64 B, 40 keys, " + std::to_string(kilobytes) + " KB", "years",
                  seconds / kSecondsOfYear, 0);
  }
}

// Thirty days without a link: every write is local, and none is ever shared.
void offline(bench::Figures& figures) {
  Load load(256, 200);
  const int seconds = figures.full() ? 30 * 86'400 : 86'400;
  load.run(seconds);
  FlashChip again(load.device, load.options);
  must(again.store().mount(), again.store());
  std::uint64_t ops = 0;
  crdt::Seq seq = 0;
  for (;; ++ops) {
    const Result<crdt::Op> op = again.store().next_op(seq);
    if (!op.ok()) break;
    seq = op->seq;
  }
  const std::string days = std::to_string(seconds / 86'400) + " days offline at 1 write/s, 200 keys, 256 KB: ";
  figures.plain(days + "ops in the log", "", double(ops), 200);
  figures.plain(days + "writes the head lacks", "", double(seconds) - double(again.store().head()), 0);
  figures.plain(days + "most erases", "", double(again.store().wear().erases_max), 0);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  fills(figures);
  years(figures);
  offline(figures);
  return figures.finish();
}
