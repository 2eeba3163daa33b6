// SPDX-License-Identifier: Apache-2.0
//
// grid_load: a device that writes without pause and keeps a ledger, for tests that kill things.
//
//     grid_load STORE URL NAME [MAP [KEYS]]
//
// Writes op 0, op 1, ... into NAME/0, NAME/1, ... of MAP (`load`), and shared keys besides, until SIGTERM. With KEYS op
// N goes into NAME/(N mod KEYS), so that a long run does not fill a disk. Prints `durable N` once every op below N is
// acknowledged durable by the gateway, and `written N` at the end.

#include <grid/grid.h>
#include <grid/linux.h>
#include <uv.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>

namespace {

struct Written {
  grid::Write write;
  std::uint64_t count;  // Ops up to and including it.
};

class Load {
 public:
  Load(grid::LinuxHost& host, grid::Map map, std::string_view name, std::uint64_t keys)
      : host_(host), load_(map), name_(name), keys_(keys) {}

  // Fewer would let an op take the place of one that is still on its way.
  static constexpr int kKeysMin = 2'001;

  void turn() {
    for (int i = 0; i < kWritesATurn && waiting_.size() < kAheadMax && !failed_; ++i) write();
    std::uint64_t durable = 0;
    if (!waiting_.empty() && waiting_.front().write.outcome() == grid::Outcome::superseded) write_again();
    for (; !waiting_.empty() && waiting_.front().write.outcome() == grid::Outcome::durable; waiting_.pop_front()) {
      durable = waiting_.front().count;
    }
    if (durable == 0) return;
    std::printf("durable %llu\n", static_cast<unsigned long long>(durable));
    std::fflush(stdout);
  }
  std::uint64_t count() const { return count_; }
  bool failed() const { return failed_; }

 private:
  // Waits at a distance, as a device with a full log does.
  static constexpr std::uint64_t kAheadMax = kKeysMin - 1;
  static constexpr std::uint64_t kSharedKeys = 50;
  static constexpr int kWritesATurn = 20;

  grid::Write put(std::uint64_t number) {
    return load_.put(name_ + "/" + std::to_string(number % keys_), {{"by", name_.c_str()}, {"n", number}});
  }

  // A gateway that lost the newest fork token of this store makes it go on as another node: what was not durable is
  // given new ops, and nobody says which.
  void write_again() {
    for (Written& written : waiting_) {
      if (written.write.outcome() == grid::Outcome::superseded) written.write = put(written.count - 1);
    }
  }

  void write() {
    const grid::Write own = put(count_);
    const grid::Write shared = load_.put("shared/" + std::to_string(count_ % kSharedKeys), {{"by", name_.c_str()}});
    failed_ = own.status() != grid::Status::ok || shared.status() != grid::Status::ok;
    waiting_.push_back({own, ++count_});
    if (failed_) host_.stop();
  }

  grid::LinuxHost& host_;
  grid::Map load_;
  std::string name_;
  std::uint64_t keys_;
  std::deque<Written> waiting_;
  std::uint64_t count_ = 0;
  bool failed_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t keys = argc == 6 ? std::strtoull(argv[5], nullptr, 10) : UINT64_MAX;
  if (argc < 4 || argc > 6 || keys < std::uint64_t{Load::kKeysMin}) {
    return std::fprintf(stderr, "grid_load STORE URL NAME [MAP [KEYS, %d at least]]\n",
                        static_cast<int>(Load::kKeysMin)),
           2;
  }
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "default", .store = argv[1], .server = argv[2], .backoff_ms_max = 200});
  if (node == nullptr || node->subscribe({}) != grid::Status::ok) {
    return std::fprintf(stderr, "grid_load: %s\n", host.problem()), 1;
  }
  Load load(host, node->map(argc > 4 ? argv[4] : "load"), argv[3], keys);
  uv_timer_t timer;
  uv_timer_init(host.loop(), &timer);
  timer.data = &load;
  uv_timer_start(
      &timer, [](uv_timer_t* at) { static_cast<Load*>(at->data)->turn(); }, 0, 2);
  host.run();
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  host.run_for(0);
  if (load.failed() || host.flush() != grid::Status::ok)
    return std::fprintf(stderr, "grid_load: %s\n", host.problem()), 1;
  std::printf("written %llu\n", static_cast<unsigned long long>(load.count()));
  return 0;
}
