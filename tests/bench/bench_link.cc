// SPDX-License-Identifier: Apache-2.0
//
// What crosses real sockets: ingest beside Redis, and one hop from writer to subscriber beside a bare echo over the
// same libwebsockets layer, in one run. Load generator and server share this machine's cores.

#include <grid/grid.h>
#include <grid/linux.h>
#include <uv.h>

#include <atomic>
#include <optional>
#include <thread>

#include "tests/bench/figures.h"
#include "tests/bench/server.h"
#include "transport/lws/lws_context.h"

namespace {

constexpr int kRuns = 3;
constexpr int kHops = 1'000;

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_link: %s\n", what);
  std::exit(1);
}

// ---- ingest

// Ops a second from the first put of a device to the gateway's last durable ack.
double ingest_ours(const bench::Folder& folder, int run, std::uint64_t count, std::uint64_t keys) {
  bench::Server gridd(
      {bench::program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data", folder.at("g" + std::to_string(run))},
      true);
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "bench", .store = {}, .server = gridd.url()});
  must(node != nullptr, host.problem());
  must(host.wait_until([](const auto& s) { return s.state == grid::SyncState::realtime; }, 10'000), "no session");
  grid::Map map = node->map("load");
  const std::string text(100, 'v');
  std::uint64_t state = static_cast<std::uint64_t>(run) + 1;
  const double begin = bench::seconds();
  for (std::uint64_t i = 0; i < count; ++i) {
    state = state * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
    const grid::Write write = map.put("key/" + std::to_string((state >> 20) % keys), {{"v", text.c_str()}});
    must(write.status() == grid::Status::ok, host.problem());
    if (i % 1'000 == 999) host.run_for(0);
  }
  must(host.wait_until([](const auto& s) { return s.quiet; }, 300'000), "not all was acknowledged");
  return static_cast<double>(count) / (bench::seconds() - begin);
}

// Requests a second as redis-benchmark counts them; 0 when there is no Redis here.
double ingest_redis(const bench::Folder& folder, std::uint64_t count, std::uint64_t keys) {
  if (std::system("command -v redis-server redis-benchmark > /dev/null") != 0) return 0;
  const std::string socket = folder.at("redis.sock");
  bench::Server redis({"redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder.at(""), "--appendonly",
                       "yes", "--appendfsync", "everysec", "--save", ""},
                      true);
  const std::string up = "for i in $(seq 600); do redis-cli -s " + socket + " ping && exit 0; sleep 0.05; done; exit 1";
  must(std::system(("{ " + up + "; } > /dev/null 2>&1").c_str()) == 0, "redis-server does not answer");
  const std::string command = "redis-benchmark -s " + socket + " -t set -q --csv -c 1 -P 1000 -d 110 -n " +
                              std::to_string(count) + " -r " + std::to_string(keys) + " | tail -1 | cut -d'\"' -f4";
  FILE* out = popen(command.c_str(), "r");
  double rate = 0;
  must(out != nullptr && std::fscanf(out, "%lf", &rate) == 1, "redis-benchmark said nothing");
  pclose(out);
  return rate;
}

void ingest(bench::Figures& figures) {
  const std::uint64_t count = figures.full() ? 3'000'000 : 100'000;
  const std::uint64_t keys = figures.full() ? 1'000'000 : 100'000;
  std::vector<double> ours, redis;
  for (int run = 0; run < kRuns; ++run) {
    bench::Folder folder;
    ours.push_back(ingest_ours(folder, run, count, keys));
    redis.push_back(ingest_redis(folder, count, keys));
  }
  if (bench::median(redis) == 0) {
    std::printf("no redis-server here: ingest has no peer\n");
    return figures.plain("ingest, applied and durable", "ops/s", bench::median(ours), 0);
  }
  figures.ratio("ingest, applied and durable", "ops/s", ours, "Redis SET, everysec:", redis, 1.0);
}

// ---- one hop

// A server that sends back what it gets, on a thread and loop of its own.
class Echo final : public grid::transport::LinkListener {
 public:
  Echo() {
    thread_ = std::thread([this] { run(); });
    while (!ready_) std::this_thread::yield();
  }
  ~Echo() {
    stop_ = true;
    uv_async_send(&wake_);
    thread_.join();
  }
  std::string url() const { return "ws://" + bound_; }

 private:
  void run() {
    uv_loop_t loop;
    uv_loop_init(&loop);
    uv_async_init(&loop, &wake_, [](uv_async_t*) {});
    {
      grid::transport::LwsContext links;
      links_ = &links;
      must(links.open(&loop, {}) == grid::Status::ok, links.problem());
      must(links.listen("127.0.0.1:0", *this) == grid::Status::ok, links.problem());
      bound_ = links.bound();
      ready_ = true;
      while (!stop_) uv_run(&loop, UV_RUN_ONCE);
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&wake_), nullptr);
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
  }
  grid::transport::Admission admit(const grid::transport::LinkRequest&) override { return {}; }
  void on_open(grid::transport::LinkId, std::string_view, std::string_view, grid::Bytes) override {}
  void on_frame(grid::transport::LinkId link, grid::Bytes frame) override {
    frame_.assign(frame.begin(), frame.end());
    links_->want_write(link);
  }
  std::optional<std::size_t> on_writable(grid::transport::LinkId, grid::MutBytes room) override {
    grid::copy(frame_, room);
    return frame_.size();
  }
  void on_close(grid::transport::LinkId, std::string_view) override {}

  grid::transport::LwsContext* links_ = nullptr;
  std::vector<std::uint8_t> frame_;
  std::string bound_;
  uv_async_t wake_{};
  std::atomic<bool> ready_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class EchoClient final : public grid::transport::LinkListener {
 public:
  // Microseconds of each round trip.
  std::vector<double> run(const std::string& url) {
    uv_loop_t loop;
    uv_loop_init(&loop);
    {
      grid::transport::LwsContext links;
      links_ = &links;
      must(links.open(&loop, {}) == grid::Status::ok, links.problem());
      must(links.connect(url, "/echo", *this).ok(), links.problem());
      while (trips_.size() < kHops) uv_run(&loop, UV_RUN_ONCE);
    }
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
    uv_loop_close(&loop);
    return trips_;
  }

 private:
  void on_open(grid::transport::LinkId link, std::string_view, std::string_view, grid::Bytes) override {
    links_->want_write(link);
  }
  void on_frame(grid::transport::LinkId link, grid::Bytes) override {
    trips_.push_back(1e6 * (bench::seconds() - sent_));
    links_->want_write(link);
  }
  std::optional<std::size_t> on_writable(grid::transport::LinkId, grid::MutBytes room) override {
    sent_ = bench::seconds();
    std::fill_n(room.begin(), 100, std::uint8_t{1});
    return 100;
  }
  void on_close(grid::transport::LinkId, std::string_view reason) override { must(false, std::string(reason).c_str()); }

  grid::transport::LwsContext* links_ = nullptr;
  std::vector<double> trips_;
  double sent_ = 0;
};

// Microseconds from put() on one device to the callback on another.
std::vector<double> hops(const std::string& url) {
  std::atomic<std::int64_t> seen = -1;
  std::atomic<double> seen_at = 0;
  std::atomic<bool> ready = false, stop = false;
  std::thread subscriber([&] {
    grid::LinuxHost host;
    grid::Node* node = host.open({.app = "bench", .store = {}, .server = url});
    must(node != nullptr, host.problem());
    struct Seen {
      std::atomic<std::int64_t>& number;
      std::atomic<double>& at;
    } place{seen, seen_at};
    Seen* to = &place;
    const grid::Watch watch = node->map("hop").watch("", [to](const grid::Change& change) {
      to->at = bench::seconds();
      to->number = change.now["n"].integer_or(-1);
    });
    must(host.wait_until([](const auto& s) { return s.state == grid::SyncState::realtime; }, 10'000), "no session");
    ready = true;
    while (!stop) host.run_for(5);
  });
  grid::LinuxHost host;
  grid::Node* node = host.open({.app = "bench", .store = {}, .server = url});
  must(node != nullptr, host.problem());
  must(host.wait_until([&](const auto& s) { return s.state == grid::SyncState::realtime && ready; }, 10'000),
       "no session");
  grid::Map map = node->map("hop");
  std::vector<double> trips;
  for (int i = 0; i < kHops; ++i) {
    const double begin = bench::seconds();
    must(map.put("k", {{"n", i}}).status() == grid::Status::ok, host.problem());
    while (seen != i) host.run_for(0);
    trips.push_back(1e6 * (seen_at - begin));
  }
  stop = true;
  subscriber.join();
  return trips;
}

double percentile(std::vector<double> all, double part) {
  std::sort(all.begin(), all.end());
  return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
}

void one_hop(bench::Figures& figures) {
  std::vector<double> ours50, ours99, echo50, echo99;
  for (int run = 0; run < kRuns; ++run) {
    bench::Folder folder;
    {
      Echo echo;
      const std::vector<double> trips = EchoClient().run(echo.url());
      echo50.push_back(percentile(trips, 0.5));
      echo99.push_back(percentile(trips, 0.99));
    }
    bench::Server gridd({bench::program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data", folder.at("g")}, true);
    const std::vector<double> trips = hops(gridd.url());
    ours50.push_back(percentile(trips, 0.5));
    ours99.push_back(percentile(trips, 0.99));
  }
  // Two hops each: writer, gateway, subscriber; client, server, client. Less is better here.
  figures.ratio("writer to subscriber, p50", "us", ours50, "echo:", echo50, 0);
  figures.ratio("writer to subscriber, p99 (budget <= 1.50)", "us", ours99, "echo:", echo99, 0);
}

void resident(bench::Figures& figures) {
  bench::Folder folder;
  bench::Server gridd({bench::program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data", folder.at("g")}, true);
  const std::string command = "awk '/VmRSS/{print $2}' /proc/" + std::to_string(gridd.pid()) + "/status";
  FILE* out = popen(command.c_str(), "r");
  double kilobytes = 0;
  must(out != nullptr && std::fscanf(out, "%lf", &kilobytes) == 1, "no memory figure");
  pclose(out);
  figures.plain("gridd --dev, idle, resident", "MiB", kilobytes / 1'024, 10);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  ingest(figures);
  one_hop(figures);
  resident(figures);
  return figures.finish();
}
