// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace demo {

namespace {

constexpr int kEndMs = 10'000;

[[noreturn]] void become(const std::vector<std::string>& command, pid_t parent, int in, int out, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // It died before we said so.
  setpgid(0, 0);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  _exit(127);
}

}  // namespace

bool Child::run(const std::vector<std::string>& command, const std::string& log) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return false;
  const int said = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (said < 0) return false;
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(command, parent, to[0], from[1], said);
  close(to[0]);
  close(from[1]);
  close(said);
  log_ = log;
  in_ = to[1];
  out_ = from[0];
  fcntl(out_, F_SETFL, O_NONBLOCK);
  return pid_ > 0;
}

std::string Child::last_words() const {
  if (WIFSIGNALED(status_)) return "killed by signal " + std::to_string(WTERMSIG(status_));
  std::ifstream file(log_);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// False at the end of its stdout, or when nothing came.
bool Child::take(int ms) {
  pollfd ready{out_, POLLIN, 0};
  if (out_ < 0 || poll(&ready, 1, ms) <= 0) return false;
  char bytes[16'384];
  const ssize_t size = read(out_, bytes, sizeof(bytes));
  if (size > 0) text_.append(bytes, static_cast<std::size_t>(size));
  return size > 0;
}

std::string Child::line(int ms) {
  while (text_.find('\n') == std::string::npos && take(ms)) {
  }
  const std::size_t end = text_.find('\n');
  if (end == std::string::npos) return {};
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return line;
}

std::vector<std::string> Child::lines() {
  std::vector<std::string> lines;
  while (take(0)) {
  }
  std::size_t begin = 0;
  for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n', begin)) {
    lines.push_back(text_.substr(begin, end - begin));
    begin = end + 1;
  }
  text_.erase(0, begin);
  return lines;
}

void Child::say(const std::string& word) {
  const std::string line = word + "\n";
  // A child that is gone is noticed by is_running().
  [[maybe_unused]] const ssize_t written = write(in_, line.data(), line.size());
}

bool Child::is_running() {
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) != 0) pid_ = -1;
  return pid_ > 0;
}

int Child::end() {
  if (pid_ <= 0) return 0;
  kill(pid_, SIGTERM);
  int status = 0;
  int waited_ms = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (waited_ms >= kEndMs) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
      break;
    }
    take(10);  // It may have to say something before it can end.
    text_.clear();
    poll(nullptr, 0, 10);
    waited_ms += 20;
  }
  pid_ = -1;
  close(in_);
  close(out_);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace demo
