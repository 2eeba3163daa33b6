// SPDX-License-Identifier: Apache-2.0
//
// PostgresServer: a real server of a test's own, on a socket in a temporary directory. It ends with its test, however
// that ends.
#pragma once

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "crdt/base/check.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {

class PostgresServer {
 public:
  PostgresServer() {
    // It refuses to run as root.
    user_ = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    if (::geteuid() == 0 && user_ == nullptr) user_ = ::getpwnam("nobody");
    if (user_ != nullptr) GRID_CHECK(::chown(directory_.path().c_str(), user_->pw_uid, user_->pw_gid) == 0);
    GRID_CHECK(wait(spawn({"initdb", "-D", data(), "-U", "grid", "-A", "trust", "--no-locale", "-E", "UTF8", "-N"})));
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer() { kill(); }

  // A crash of the machine is no part of these tests: what is killed is a process, and the system keeps its files.
  void start(const std::vector<std::string>& settings = {}) {
    std::vector<std::string> command = {"postgres",          "-D", data(),      "-k", directory_.path(),     "-c",
                                        "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c",
                                        "max_connections=20"};
    for (const std::string& setting : settings) command.insert(command.end(), {"-c", setting});
    const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    do {
      // It refuses to while sessions of one that was killed are still ending.
      if (process_ <= 0 || ::waitpid(process_, nullptr, WNOHANG) != 0) process_ = spawn(command);
      GRID_CHECK(std::chrono::steady_clock::now() < give_up_at);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (!wait(spawn({"pg_isready", "-q", "-h", directory_.path()})));
  }
  // As a crash: nobody is told. Sessions are processes too, and would answer once more before they notice.
  void kill() {
    if (process_ <= 0) return;
    freeze();
    signal_all(SIGKILL);
    wait(process_);
    process_ = 0;
  }
  // As an operator's restart: sessions are ended with a word.
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGINT);
    wait(process_);
    process_ = 0;
  }
  // A server that stands still: nothing is refused, and nothing is answered.
  void freeze() { signal_all(SIGSTOP); }
  void thaw() { signal_all(SIGCONT); }

  std::string url() const { return "postgresql://grid@/postgres?host=" + directory_.path(); }
  const std::string& directory() const { return directory_.path(); }

 private:
  std::string data() const { return directory_.path() + "/data"; }

  void signal_all(int signal) {
    if (signal != SIGKILL) ::kill(process_, signal);
    const std::string command = "pkill -" + std::to_string(signal) + " -P " + std::to_string(process_);
    [[maybe_unused]] const int done = std::system(command.c_str());
    if (signal == SIGKILL) ::kill(process_, signal);  // Behind its sessions, which are no longer its own then.
  }

  pid_t spawn(const std::vector<std::string>& command) const {
    const std::string program = std::string(GRID_POSTGRES_BIN) + "/" + command[0];
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user_ != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setgid(user_->pw_gid) != 0 || ::setuid(user_->pw_uid) != 0))
      ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent) ::_exit(126);
    if (std::freopen((directory_.path() + "/log").c_str(), "a", stdout) != nullptr) ::dup2(1, 2);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execv(program.c_str(), words.data());
    ::_exit(127);
  }

  static bool wait(pid_t child) {
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  TemporaryDirectory directory_;
  const passwd* user_ = nullptr;
  pid_t process_ = 0;
};

}  // namespace grid::test
