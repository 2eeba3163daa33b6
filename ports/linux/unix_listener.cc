// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/unix_listener.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace grid::port {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

const sockaddr* any(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

}  // namespace

UnixListener::~UnixListener() {
  if (pipe_ == nullptr) return;
  struct stat now {};
  const bool is_ours = ::lstat(path_.c_str(), &now) == 0 && now.st_ino == file_.st_ino && now.st_dev == file_.st_dev;
  if (is_ours) ::unlink(path_.c_str());
}

Status UnixListener::refuse(Status status, const std::string& sentence) {
  problem_ = std::string(what_) + " " + path_ + " " + sentence;
  return status;
}

Status UnixListener::listen(const std::string& path, int backlog) {
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
  const int error = uv_listen(stream, backlog, [](uv_stream_t* pipe, int failed) {
    UnixListener& self = *static_cast<UnixListener*>(pipe->data);
    if (failed == 0) self.came_(self.owner_);
  });
  uv_unref(pipe_->any());
  return error == 0 ? Status::ok : refuse(Status::io, std::string("cannot be listened at: ") + uv_strerror(error));
}

// The mode of a socket before it is bound is that of its file.
Status UnixListener::bind(int socket) {
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
Status UnixListener::make_room() {
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

bool UnixListener::accept(uv_pipe_t* into) {
  return uv_accept(reinterpret_cast<uv_stream_t*>(pipe_->get()), reinterpret_cast<uv_stream_t*>(into)) == 0;
}

}  // namespace grid::port
