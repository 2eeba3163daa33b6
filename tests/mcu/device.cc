// SPDX-License-Identifier: Apache-2.0
//
// A device on a bare machine, for end-to-end tests: what it does is told by words on QEMU's command line.
//
//     store=IMAGE server=ws://HOST:PORT sensor=FILE mode=sample|once|reconnect [rows=N] [period=MS] [deadline=MS]
//
// While it samples, gridctl may look into it over the serial line.
//
// Each row that put() has accepted is reported as a line `row KEY N VALUE kept`, behind the commit.

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <charconv>

#include "ports/bare/clock.h"
#include "ports/bare/grid/bare_inspection.h"
#include "ports/bare/network.h"
#include "ports/bare/semihosting.h"
#include "tests/mcu/device_host.h"

namespace {

using namespace grid;

constexpr std::uint32_t kKeys = mcu::kCells * 9 / 10;
constexpr std::string_view kApp = "farm";

mcu::DeviceHost& host = mcu::device_host();
char line[512];

std::string_view word(std::string_view name) {
  std::string_view rest = line;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one.size() <= name.size() || one[name.size()] != '=' || one.substr(0, name.size()) != name) continue;
    one.remove_prefix(name.size() + 1);
    return one;
  }
  return {};
}

std::uint32_t number(std::string_view name, std::uint32_t otherwise) {
  const std::string_view text = word(name);
  std::uint32_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The first number in a file of the machine around this one: its load, say.
double read_sensor() {
  static char path[128];
  const std::string_view name = word("sensor");
  copy(as_bytes(name), {reinterpret_cast<std::uint8_t*>(path), sizeof(path)});
  const int file = sys_semihost_open(path, SH_OPEN_R_B);
  if (file < 0) return -1;
  char text[64] = {};
  sys_semihost_read(file, text, sizeof(text) - 1);
  sys_semihost_close(file);
  return strtod(text, nullptr);
}

// The number of the newest row in the flash: numbers go on where the last life ended.
std::uint32_t last_row(Map& map) {
  std::uint32_t last = 0;
  const Status status = map.scan("bench/", [&last](const Change& row) {
    last = std::max(last, static_cast<std::uint32_t>(row.now["n"].integer_or(0)));
  });
  if (status != Status::ok) printf("trouble: %s: %s\n", name_of(status), host.problem());
  return last;
}

bool sample(Map& map, std::uint32_t n) {
  char key[32];
  snprintf(key, sizeof(key), "bench/%04u", static_cast<unsigned>(n % kKeys));
  const double value = read_sensor();
  const Write write = map.put(key, {{"n", static_cast<std::int64_t>(n)}, {"load", value}});
  if (write.status() == Status::ok) {
    printf("row %s %u %.2f kept\n", key, static_cast<unsigned>(n), value);
  } else {
    printf("trouble: %s: %s\n", name_of(write.status()), host.problem());
  }
  return write.status() == Status::ok;
}

void tell(Node* node) {
  const runtime::ReplicaStatus status = node->status();
  const crdt::Digest digest = node->digest({ScopeKind::map, "climate", {}});
  printf("digest %016llx %llu\n", static_cast<unsigned long long>(digest.sum),
         static_cast<unsigned long long>(digest.count));
  printf("status %s pending %u clock %u problem %s\n", name_of(status.state), static_cast<unsigned>(status.ops_pending),
         static_cast<unsigned>(status.quality), host.problem());
  printf("memory stack %u tls %u\n", static_cast<unsigned>(bare::stack_used_bytes()),
         static_cast<unsigned>(mcu::tls_bytes_most()));
}

// Each sentence of trouble once, as it comes.
void tell_problem() {
  static char told[256];
  if (std::string_view(told) == host.problem()) return;
  printf("problem %s\n", host.problem());
  snprintf(told, sizeof(told), "%s", host.problem());
}

// What a sensor does: for as long as it is let, and whoever is at the serial line may watch.
int run_sample(Map& map, std::uint32_t n) {
  const std::uint32_t period = number("period", 20);
  const std::uint32_t last = n + number("rows", UINT32_MAX / 2);
  static BareInspection<mcu::kLimits> inspection(host.loop(), kApp);
  while (n < last) {
    if (!sample(map, ++n)) return EXIT_FAILURE;
    host.loop().run_until([] { return inspection.turn(), false; }, period);
    tell_problem();
  }
  return EXIT_SUCCESS;
}

int run_once(Map& map, Node* node, std::uint32_t n) {
  for (std::uint32_t rows = number("rows", 0); rows > 0; --rows) {
    if (!sample(map, ++n)) return EXIT_FAILURE;
  }
  const std::uint64_t begin_ms = bare::monotonic_ms();
  const bool is_synced = host.sync_once(number("deadline", 20'000));
  printf("synced %d after %u ms\n", is_synced ? 1 : 0, static_cast<unsigned>(bare::monotonic_ms() - begin_ms));
  tell(node);
  return is_synced ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Link after link, and what they leave behind once the last goodbye is through.
int run_reconnect(Map& map, std::uint32_t n) {
  constexpr std::uint64_t kGoodbyeMs = 3'000;
  const std::uint32_t links = number("rows", 10);
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < links; ++i) {
    if (!sample(map, n + 1) || !host.sync_once(number("deadline", 20'000))) return EXIT_FAILURE;
    most = std::max(most, bare::network_bytes_used());
    if (host.loop().buffered_bytes() != 0) return EXIT_FAILURE;
  }
  const std::uint64_t until_ms = bare::monotonic_ms() + kGoodbyeMs;
  while (bare::network_bytes_used() != 0 && bare::monotonic_ms() < until_ms) host.run_for(10);
  printf("links %u most %u left %u\n", static_cast<unsigned>(links), static_cast<unsigned>(most),
         static_cast<unsigned>(bare::network_bytes_used()));
  return EXIT_SUCCESS;
}

}  // namespace

int main() {
  bare::paint_stack();
  sys_semihost_get_cmdline(line, sizeof(line));
  const std::string_view mode = word("mode");
  const bool samples = mode == "sample";
  Node* node = mcu::open_device(
      {.app = kApp, .store = word("store"), .server = word("server"), .offline = !samples, .backoff_ms_max = 1'000},
      word);
  if (node == nullptr) {
    printf("cannot open: %s: %s\n", name_of(mcu::cannot_open()), host.problem());
    return EXIT_FAILURE;
  }
  Map map = node->map("climate");
  if (map.subscribe() != Status::ok) return EXIT_FAILURE;
  Watch watch = map.watch("fan/", [](const Change& change) {
    printf("fan %.*s %d\n", static_cast<int>(change.key.size()), change.key.data(),
           change.now["on"].truth_or(false) ? 1 : 0);
  });
  const std::uint32_t last = last_row(map);
  printf("opened with %u rows\n", static_cast<unsigned>(last));
  if (samples) return run_sample(map, last);
  return mode == "once" ? run_once(map, node, last) : run_reconnect(map, last);
}
