// SPDX-License-Identifier: Apache-2.0
#include "cli/server_desk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "cli/failure.h"
#include "transport/json/value_json.h"

namespace grid::cli {

using crdt::Value;
using server::AdminAnswer;

namespace {

constexpr const char* kDefaultData = "./grid-data";

// A file or a socket that is closed when this goes.
class Opened {
 public:
  explicit Opened(int number) : number_(number) {}
  ~Opened() {
    if (number_ >= 0) ::close(number_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

Exit exit_of(Status status) {
  switch (status) {
    case Status::invalid:
    case Status::too_large:
      return Exit::usage;
    case Status::not_found:
      return Exit::not_found;
    case Status::conflict:
      return Exit::differs;
    case Status::denied:
      return Exit::denied;
    case Status::corrupt:
      return Exit::corrupt;
    default:
      return Exit::failure;
  }
}

Status status_named(std::string_view name) {
  for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(Status::collected); ++i) {
    if (name == name_of(static_cast<Status>(i))) return static_cast<Status>(i);
  }
  return Status::corrupt;
}

std::string canonical_of(std::string_view line) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(line, canonical, error) != Status::ok) {
    throw Failure(Exit::failure, "the gateway's answer is no JSON: " + error.sentence);
  }
  return canonical;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    lines.emplace_back(text.substr(0, end));
  }
  return lines;
}

// Takes off the last line, which says how it went.
std::vector<std::string> settled(std::vector<std::string> lines) {
  if (lines.empty()) throw Failure(Exit::unreachable, "the gateway hung up without an answer");
  const std::string canonical = canonical_of(lines.back());
  const Value last(as_bytes(canonical));
  const Status status = status_named(last["status"].text_or({}));
  if (status != Status::ok) throw Failure(exit_of(status), std::string(last["problem"].text_or("it did not go well")));
  lines.pop_back();
  return lines;
}

std::vector<std::string> ask_running(int socket, const std::string& question) {
  const std::string line = question + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t sent = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw Failure(Exit::unreachable, "the gateway hung up");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  char piece[65'536];
  for (;;) {
    const ssize_t size = ::recv(socket, piece, sizeof(piece), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    answer.append(piece, static_cast<std::size_t>(size));
  }
  return settled(lines_of(answer));
}

// Connected; or not, with errno.
int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0 || ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

}  // namespace

std::string data_or_default(const std::string& said) {
  if (!said.empty()) return said;
  const char* const told = std::getenv("GRIDD_DATA");
  return told != nullptr && *told != '\0' ? told : kDefaultData;
}

std::vector<std::string> ask_server(const std::string& data, const std::string& question, OfflineDesk offline) {
  struct stat about {};
  if (::stat(data.c_str(), &about) != 0) {
    throw Failure(Exit::not_found, "there is no data directory " + data + ": " + std::strerror(errno) +
                                       "; --data DIR says where the gateway's is");
  }
  const std::string socket_path = data + "/gridd.sock";
  const Opened socket(connect_to(socket_path));
  const int error = errno;
  if (socket.is_open()) return ask_running(socket.get(), question);
  if (error == EACCES || error == EPERM) {
    throw Failure(Exit::denied, socket_path + " is for the user that gridd runs as, and for root");
  }
  const std::string lock_path = data + "/gridd.lock";
  const Opened lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.is_open()) throw Failure(Exit::denied, lock_path + " can't be opened: " + std::strerror(errno));
  // Root's work is the gateway's: the file is to be of whoever has the directory.
  if (::geteuid() == 0) [[maybe_unused]]
    const int given = ::fchown(lock.get(), about.st_uid, about.st_gid);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Failure(Exit::unreachable, "a gateway runs on " + data + ", but its admin socket can't be reached: " +
                                         socket_path + ": " + std::strerror(error));
  }
  if (offline == nullptr) throw Failure(Exit::unreachable, "no gateway runs on " + data);
  const std::string canonical = canonical_of(question);
  const AdminAnswer answer = offline(data, Value(as_bytes(canonical)));
  if (answer.status != Status::ok) throw Failure(exit_of(answer.status), answer.problem);
  return lines_of(answer.lines);
}

}  // namespace grid::cli
