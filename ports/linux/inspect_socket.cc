// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/inspect_socket.h"

#include <algorithm>

#include "ports/inspect/inspect_service.h"
#include "ports/port.h"
#include "transport/stream/stream_link.h"

namespace grid::port {
namespace {

using transport::StreamLink;

constexpr std::size_t kAskBytesMax = wire::kControlBytesMax;
// Of one op with the largest value.
constexpr std::size_t kAnswerBytesMax = kValueBytesMax + runtime::Inspector::kRoomBytesMin;
constexpr std::size_t kHeardBytes = 4'096;

}  // namespace

// One who looks: a connection, its line, and the answer that is on its way.
class InspectSocket::Guest {
 public:
  explicit Guest(InspectSocket& socket)
      : socket_(socket),
        arriving_(std::make_unique_for_overwrite<std::uint8_t[]>(StreamLink::arriving_bytes(kAskBytesMax))),
        sending_(std::make_unique_for_overwrite<std::uint8_t[]>(StreamLink::sending_bytes(kAnswerBytesMax))),
        link_({arriving_.get(), StreamLink::arriving_bytes(kAskBytesMax)},
              {sending_.get(), StreamLink::sending_bytes(kAnswerBytesMax)}),
        service_(link_, socket.inspector_) {
    uv_pipe_init(socket.loop_, pipe_.get(), 0);
    pipe_.get()->data = this;
    link_.accept();
  }
  // A write that is under way is told that it was cancelled when this is gone.
  ~Guest() { pipe_.get()->data = nullptr; }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  uv_pipe_t* pipe() { return pipe_.get(); }
  void listen();

 private:
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(pipe_.get()); }
  void heard(ssize_t size);
  void go_on();
  void write();
  void wrote(int status);

  InspectSocket& socket_;
  std::unique_ptr<std::uint8_t[]> arriving_, sending_;
  StreamLink link_;
  InspectService service_;
  transport::UvHandle<uv_pipe_t> pipe_;
  uv_write_t* writing_ = nullptr;  // On the heap: libuv may need it longer than the guest stays.
  std::uint8_t heard_[kHeardBytes];
  Bytes rest_{};  // What was heard, and not taken yet.
};

void InspectSocket::Guest::listen() {
  uv_read_start(
      stream(),
      [](uv_handle_t* pipe, std::size_t, uv_buf_t* room) {
        Guest& guest = *static_cast<Guest*>(pipe->data);
        *room = uv_buf_init(reinterpret_cast<char*>(guest.heard_), kHeardBytes);
      },
      [](uv_stream_t* pipe, ssize_t size, const uv_buf_t*) {
        if (size != 0) static_cast<Guest*>(pipe->data)->heard(size);
      });
}

void InspectSocket::Guest::heard(ssize_t size) {
  if (size < 0) return socket_.let_go(*this);
  rest_ = Bytes(heard_, static_cast<std::size_t>(size));
  go_on();
}

// Takes what was heard, answer by answer; while one is on its way nothing is read. As on a serial line, a session that
// was closed may be followed by another one: a guest is gone when the connection is.
void InspectSocket::Guest::go_on() {
  do {
    const bool goes_on = service_.hear(rest_, socket_.host_.inspected_status(), port::wall_ms());
    if (!link_.outgoing().empty()) return write();
    if (!goes_on) link_.accept();
  } while (!rest_.empty());
  listen();
}

void InspectSocket::Guest::write() {
  uv_read_stop(stream());
  const Bytes bytes = link_.outgoing();
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(as_text(bytes).data()), static_cast<unsigned>(bytes.size()));
  writing_ = new uv_write_t;
  const int status = uv_write(writing_, stream(), &buffer, 1, [](uv_write_t* request, int result) {
    Guest* guest = static_cast<Guest*>(request->handle->data);
    delete request;
    if (guest != nullptr) guest->wrote(result);
  });
  if (status == 0) return;
  delete writing_;
  socket_.let_go(*this);
}

void InspectSocket::Guest::wrote(int status) {
  if (status != 0) return socket_.let_go(*this);
  link_.sent(link_.outgoing().size());
  go_on();
}

InspectSocket::InspectSocket(uv_loop_t* loop, runtime::Inspector& inspector, Host& host)
    : loop_(loop),
      inspector_(inspector),
      host_(host),
      listener_(
          loop, "the inspection socket", [](void* self) { static_cast<InspectSocket*>(self)->welcome(); }, this) {}

InspectSocket::~InspectSocket() = default;

Status InspectSocket::listen(const std::string& path) { return listener_.listen(path, static_cast<int>(kGuestsMax)); }

void InspectSocket::welcome() {
  auto guest = std::make_unique<Guest>(*this);
  if (!listener_.accept(guest->pipe())) return;
  if (guests_.size() == kGuestsMax) return;  // Turned away: its connection goes with it.
  guest->listen();
  guests_.push_back(std::move(guest));
}

void InspectSocket::let_go(Guest& guest) {
  std::erase_if(guests_, [&guest](const std::unique_ptr<Guest>& one) { return one.get() == &guest; });
}

}  // namespace grid::port
