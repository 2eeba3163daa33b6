// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/inspect_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

const sockaddr* any(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

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

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(pipe_.get()); }
  void listen();

 private:
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
    : loop_(loop), inspector_(inspector), host_(host) {}

InspectSocket::~InspectSocket() {
  if (pipe_ == nullptr) return;
  struct stat now {};
  const bool is_ours = ::lstat(path_.c_str(), &now) == 0 && now.st_ino == file_.st_ino && now.st_dev == file_.st_dev;
  if (is_ours) ::unlink(path_.c_str());
}

Status InspectSocket::refuse(Status status, const std::string& sentence) {
  problem_ = "the inspection socket " + path_ + " " + sentence;
  return status;
}

Status InspectSocket::listen(const std::string& path) {
  path_ = path;
  constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.find('\0') != std::string::npos) return refuse(Status::invalid, "has no path");
  if (path.size() > kPathBytesMax) {
    return refuse(Status::invalid, "has a path of " + std::to_string(path.size()) + " bytes; the limit is " +
                                       std::to_string(kPathBytesMax));
  }
  const int socket = new_socket();
  if (socket < 0) return refuse(Status::io, std::string("cannot be made: ") + std::strerror(errno));
  const Status status = bind(socket);
  if (status != Status::ok) {
    ::close(socket);
    return status;
  }
  pipe_ = std::make_unique<transport::UvHandle<uv_pipe_t>>();
  uv_pipe_init(loop_, pipe_->get(), 0);
  uv_pipe_open(pipe_->get(), socket);
  pipe_->get()->data = this;
  uv_stream_t* const stream = reinterpret_cast<uv_stream_t*>(pipe_->get());
  const int error = uv_listen(stream, static_cast<int>(kGuestsMax), [](uv_stream_t* pipe, int failed) {
    if (failed == 0) static_cast<InspectSocket*>(pipe->data)->welcome();
  });
  uv_unref(pipe_->any());
  return error == 0 ? Status::ok : refuse(Status::io, std::string("cannot be listened at: ") + uv_strerror(error));
}

// The mode of a socket before it is bound is that of its file.
Status InspectSocket::bind(int socket) {
  const sockaddr_un address = address_of(path_);
  ::fchmod(socket, S_IRUSR | S_IWUSR);
  if (::bind(socket, any(address), sizeof(address)) != 0) {
    if (errno == EADDRINUSE) {
      GRID_TRY(make_room());
      errno = ::bind(socket, any(address), sizeof(address)) == 0 ? 0 : errno;
    }
    if (errno == EACCES || errno == EPERM || errno == EROFS) {
      return refuse(Status::denied, std::string("may not be made: ") + std::strerror(errno));
    }
    if (errno != 0) return refuse(Status::io, std::string("cannot be made: ") + std::strerror(errno));
  }
  ::lstat(path_.c_str(), &file_);
  return Status::ok;
}

// Whoever listens answers a connection, or has so many of them that the next one has to wait.
Status InspectSocket::make_room() {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode)) {
    return refuse(Status::invalid, "is in the place of a file that is no socket");
  }
  const sockaddr_un address = address_of(path_);
  const int probe = new_socket();
  if (probe < 0) return refuse(Status::io, std::string("cannot be made: ") + std::strerror(errno));
  const bool is_dead = ::connect(probe, any(address), sizeof(address)) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  if (!is_dead) return refuse(Status::busy, "is in use by another process");
  ::unlink(path_.c_str());
  return Status::ok;
}

void InspectSocket::welcome() {
  auto guest = std::make_unique<Guest>(*this);
  if (uv_accept(reinterpret_cast<uv_stream_t*>(pipe_->get()), guest->stream()) != 0) return;
  if (guests_.size() == kGuestsMax) return;  // Turned away: its connection goes with it.
  guest->listen();
  guests_.push_back(std::move(guest));
}

void InspectSocket::let_go(Guest& guest) {
  std::erase_if(guests_, [&guest](const std::unique_ptr<Guest>& one) { return one.get() == &guest; });
}

}  // namespace grid::port
