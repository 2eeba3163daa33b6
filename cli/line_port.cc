// SPDX-License-Identifier: Apache-2.0
#include "cli/line_port.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/failure.h"

namespace grid::cli {
namespace {

struct Rate {
  std::uint32_t baud;
  speed_t speed;
};
constexpr Rate kRates[] = {{1'200, B1200},        {2'400, B2400},        {4'800, B4800},        {9'600, B9600},
                           {19'200, B19200},      {38'400, B38400},      {57'600, B57600},      {115'200, B115200},
                           {230'400, B230400},    {460'800, B460800},    {500'000, B500000},    {576'000, B576000},
                           {921'600, B921600},    {1'000'000, B1000000}, {1'152'000, B1152000}, {1'500'000, B1500000},
                           {2'000'000, B2000000}, {2'500'000, B2500000}, {3'000'000, B3000000}, {3'500'000, B3500000},
                           {4'000'000, B4000000}};

speed_t speed_of(std::uint32_t baud) {
  for (const Rate& rate : kRates) {
    if (rate.baud == baud) return rate.speed;
  }
  std::string rates;
  for (const Rate& rate : kRates) rates += (rates.empty() ? "" : ", ") + std::to_string(rate.baud);
  throw Failure(Exit::usage, "no serial line has " + std::to_string(baud) + " baud here; there are " + rates);
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw Failure(Exit::unreachable, what + ": " + std::strerror(error));
}

int open_device(const std::string& device) {
  const int file = ::open(device.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (file >= 0) return file;
  const int error = errno;
  if (error == ENOENT) throw Failure(Exit::unreachable, "there is no device " + device + "; is it plugged in?");
  if (error == EACCES) {
    throw Failure(Exit::denied, "you may not use " + device + "; its group, mostly dialout, may: see ls -l " + device);
  }
  fail("cannot open " + device, error);
}

// Eight bits as they are, no flow control, no modem; and no hang-up at the end, which resets some boards.
void make_raw(termios& settings, speed_t speed) {
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL | CSTOPB | CRTSCTS);
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  cfsetispeed(&settings, speed);
  cfsetospeed(&settings, speed);
}

bool is_for_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

LinePort LinePort::serial(const std::string& device, std::uint32_t baud) {
  const speed_t speed = speed_of(baud);
  LinePort port(open_device(device));
  termios settings{};
  if (tcgetattr(port.file_, &settings) != 0) {
    throw Failure(Exit::usage, device + " is no serial line");
  }
  if (::flock(port.file_, LOCK_EX | LOCK_NB) != 0) {
    throw Failure(Exit::unreachable, device + " is in use by another program");
  }
  port.before_ = settings;
  port.baud_ = baud;
  make_raw(settings, speed);
  if (tcsetattr(port.file_, TCSANOW, &settings) != 0) fail("cannot set up " + device, errno);
  termios now{};
  tcgetattr(port.file_, &now);
  if (cfgetospeed(&now) != speed) {
    throw Failure(Exit::usage, device + " does not go at " + std::to_string(baud) + " baud");
  }
  return port;
}

LinePort LinePort::unix_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Failure(Exit::usage, "the socket's path is " + std::to_string(path.size()) + " bytes long; the limit is " +
                                   std::to_string(sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  LinePort port(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (port.file_ < 0) fail("cannot make a socket", errno);
  if (::connect(port.file_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return port;
  const int error = errno;
  struct stat found {};
  if (error == ENOENT) throw Failure(Exit::unreachable, "there is no socket " + path + "; does the device run?");
  if (error == EACCES) throw Failure(Exit::denied, "you may not use " + path + "; its owner may");
  if (::stat(path.c_str(), &found) == 0 && !S_ISSOCK(found.st_mode)) {
    throw Failure(Exit::usage, path + " is no socket");
  }
  if (error == ECONNREFUSED) throw Failure(Exit::unreachable, "nobody listens at " + path + "; does the device run?");
  if (error == EAGAIN) throw Failure(Exit::unreachable, "too many look at " + path + " already");
  fail("cannot reach " + path, error);
}

LinePort::LinePort(LinePort&& other) noexcept
    : file_(std::exchange(other.file_, -1)), baud_(other.baud_), before_(std::exchange(other.before_, std::nullopt)) {}

LinePort::~LinePort() {
  if (file_ < 0) return;
  if (before_) {
    before_->c_cflag &= ~static_cast<tcflag_t>(HUPCL);
    tcsetattr(file_, TCSANOW, &*before_);
  }
  ::close(file_);
}

void LinePort::wait(bool wants_write, std::uint64_t timeout_ms) const {
  pollfd line{file_, static_cast<short>(wants_write ? POLLIN | POLLOUT : POLLIN), 0};
  ::poll(&line, 1, static_cast<int>(std::min<std::uint64_t>(timeout_ms, 60'000)));
}

// A terminal whose other end is gone says EIO.
std::optional<std::size_t> LinePort::read(MutBytes room) {
  const ssize_t size = ::read(file_, room.data(), room.size());
  if (size > 0) return static_cast<std::size_t>(size);
  if (size < 0 && is_for_later(errno)) return 0;
  return std::nullopt;
}

std::optional<std::size_t> LinePort::write(Bytes bytes) {
  const ssize_t size =
      before_ ? ::write(file_, bytes.data(), bytes.size()) : ::send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (is_for_later(errno)) return 0;
  return std::nullopt;
}

}  // namespace grid::cli
