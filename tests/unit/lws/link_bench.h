// SPDX-License-Identifier: Apache-2.0
//
// What the tests of transport/lws stand on: a loop with a server and a client context, ends that note what they hear,
// and a peer that speaks raw TCP.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/check.h"
#include "transport/lws/lws_context.h"

namespace grid::test {

using transport::LinkId;
using transport::LwsContext;
using transport::LwsOptions;
using Frame = std::vector<std::uint8_t>;

// One end: sends what is in `outbox` of each link, notes what comes.
class End : public transport::LinkListener {
 public:
  transport::Admission admit(const transport::LinkRequest& request) override {
    addresses.emplace_back(request.caller.address);
    bearers.emplace_back(request.caller.bearer);
    subjects.emplace_back(request.caller.subject);
    if (request.path != "/v1/farm") return {.status = transport::kNotFound, .sentence = "links open at /v1/farm"};
    return admission;
  }
  void on_open(LinkId link, std::string_view path, std::string_view identity, Bytes proven) override {
    opened.push_back(link);
    paths.emplace_back(path);
    identities.emplace_back(identity);
    claims.emplace_back(as_text(proven));
    if (!outbox.empty()) context->want_write(link);
  }
  void on_frame(LinkId link, Bytes frame) override {
    arrived_bytes += frame.size();
    ++arrived_count;
    if (keeps) arrived.emplace_back(frame.begin(), frame.end());
    if (!echoes) return;
    outbox.emplace_back(frame.begin(), frame.end());
    context->want_write(link);
  }
  std::optional<std::size_t> on_writable(LinkId link, MutBytes room) override {
    ++writable_count;
    if (outbox.empty()) return {};
    const Frame frame = outbox.front();
    outbox.pop_front();
    if (!frame.empty()) std::memcpy(room.data(), frame.data(), frame.size());
    if (!outbox.empty()) context->want_write(link);
    return frame.size();
  }
  void on_stranger(std::string_view address, std::string_view trouble) override {
    strangers.push_back(std::string(address) + " " + std::string(trouble));
  }
  void on_close(LinkId link, std::string_view reason) override {
    closed.push_back(link);
    reasons.emplace_back(reason);
  }

  void send(LinkId link, Frame frame) {
    outbox.push_back(std::move(frame));
    context->want_write(link);
  }

  LwsContext* context = nullptr;
  bool echoes = false;
  bool keeps = true;
  std::deque<Frame> outbox;
  std::vector<LinkId> opened, closed;
  std::vector<std::string> paths, reasons, addresses, bearers, subjects, identities, claims, strangers;
  transport::Admission admission;  // What is answered at the right path.
  std::vector<Frame> arrived;
  std::size_t arrived_bytes = 0, arrived_count = 0, writable_count = 0;
};

struct Bench {
  uv_loop_t loop{};
  std::unique_ptr<LwsContext> server, client;
  End there, here;

  void open(const LwsOptions& server_options = {}, const LwsOptions& client_options = {.links_max = 16}) {
    assert_int_equal(uv_loop_init(&loop), 0);
    server = std::make_unique<LwsContext>();
    client = std::make_unique<LwsContext>();
    there.context = server.get();
    here.context = client.get();
    assert_ok(server->open(&loop, server_options));
    assert_ok(client->open(&loop, client_options));
    assert_ok(server->listen("127.0.0.1:0", there));
  }

  // The same by TLS.
  void open_secured(const LwsOptions& server_options, const LwsOptions& client_options,
                    const transport::TlsServer& files) {
    open(server_options, client_options);
    server->stop_listening();
    assert_ok(server->secure(files));
    assert_ok(server->listen("127.0.0.1:0", there, transport::Security::tls));
  }

  // Another client, with other options; the links of the old one go.
  void replace_client(const LwsOptions& client_options) {
    client = std::make_unique<LwsContext>();
    here.context = client.get();
    assert_ok(client->open(&loop, client_options));
  }

  std::string url() const { return server->bound_urls().front(); }

  LinkId connect(const char* path = "/v1/farm") {
    const Result<LinkId> link = client->connect(url(), path, here);
    assert_ok(link.status());
    return *link;
  }

  // Connects and waits until both ends know of it.
  LinkId link_up() {
    const std::size_t before = there.opened.size();
    const LinkId link = connect();
    run_until([&] { return !here.opened.empty() && here.opened.back() == link && there.opened.size() > before; });
    return link;
  }

  // Runs the loop until `done` says so; a test that waits for what never comes fails after a minute. The timer is for
  // those who look at more than the loop sees.
  template <typename Done>
  void run_until(Done done) {
    constexpr int kTicksMax = 30'000;
    int ticks = 0;
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    timer.data = &ticks;
    uv_timer_start(
        &timer, [](uv_timer_t* self) { ++*static_cast<int*>(self->data); }, 2, 2);
    while (!done() && ticks < kTicksMax) uv_run(&loop, UV_RUN_ONCE);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(ticks < kTicksMax);
  }

  // Everything that was opened can be closed again, and leaves nothing on the loop.
  void close() {
    client.reset();
    server.reset();
    assert_int_equal(uv_loop_close(&loop), 0);
  }
};

inline int set_up(void** state) {
  *state = new Bench;
  return 0;
}

inline int tear_down(void** state) {
  delete static_cast<Bench*>(*state);
  return 0;
}

inline Frame pattern(std::size_t size, std::uint32_t seed = 1) {
  Frame frame(size);
  for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>((seed = seed * 1'664'525 + 1'013'904'223) >> 24);
  return frame;
}

// A peer below WebSocket: what it sends is the test's choice.
class RawPeer {
 public:
  explicit RawPeer(Bench& bench) : bench_(bench) {
    const std::string bound = bench.server->bound();
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(std::stoi(bound.substr(bound.rfind(':') + 1))));
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(::connect(socket_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  }
  ~RawPeer() { drop(); }

  void drop() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN) return;
      uv_run(&bench_.loop, UV_RUN_NOWAIT);
    }
  }

  // Reads until `text` has come or the server hung up; returns all that came.
  std::string read_until(std::string_view text) {
    std::string all;
    bench_.run_until([&] {
      char piece[4096];
      for (;;) {
        const ssize_t got = ::recv(socket_, piece, sizeof(piece), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return true;
        if (got < 0) break;
        all.append(piece, static_cast<std::size_t>(got));
      }
      uv_run(&bench_.loop, UV_RUN_NOWAIT);
      return all.find(text) != std::string::npos;
    });
    return all;
  }

  std::string get(const std::string& path, std::string_view end) {
    send("GET " + path + " HTTP/1.1\r\nHost: grid\r\nConnection: close\r\n\r\n");
    const std::string answer = read_until(end);
    assert_true(answer.find(end) != std::string::npos);
    return answer;
  }

  // `headers` are whole lines.
  std::string upgrade(const std::string& path = "/v1/farm", const std::string& headers = {}) {
    send("GET " + path +
         " HTTP/1.1\r\nHost: grid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         headers + "\r\n");
    return read_until("\r\n\r\n");
  }

  // The head of a frame from a client, with a mask of zeroes.
  static std::string head(std::uint8_t first, std::uint64_t size) {
    std::string bytes(1, static_cast<char>(first));
    const int width = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    bytes += static_cast<char>(0x80 | (width == 0 ? static_cast<int>(size) : width == 2 ? 126 : 127));
    for (int i = width - 1; i >= 0; --i) bytes += static_cast<char>(size >> (8 * i));
    return bytes + std::string(4, '\0');
  }

 private:
  Bench& bench_;
  int socket_ = -1;
};

}  // namespace grid::test
