// SPDX-License-Identifier: Apache-2.0
//
// Server: a gridd, or another server beside it, for the time of a benchmark.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

class Server {
 public:
  // Runs `command`; `url()` is its first line on stdout when `waits` is set.
  Server(const std::vector<std::string>& command, bool waits) {
    int ends[2];
    if (pipe(ends) != 0) std::exit(1);
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      std::vector<char*> words;
      words.reserve(command.size() + 1);
      for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
      words.push_back(nullptr);
      execvp(words[0], words.data());
      _exit(127);
    }
    close(ends[1]);
    FILE* out = fdopen(ends[0], "r");
    char line[256] = "";
    if (waits && std::fgets(line, sizeof(line), out) == nullptr) {
      std::fprintf(stderr, "bench: %s did not start\n", command[0].c_str());
      std::exit(1);
    }
    url_ = line;
    if (!url_.empty()) url_.pop_back();
  }
  ~Server() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  const std::string& url() const { return url_; }
  pid_t pid() const { return child_; }

 private:
  pid_t child_ = -1;
  std::string url_;
};

// The programs beside this one's folder.
inline std::string program(const char* name) {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  return self.parent_path().parent_path() / "bin" / name;
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("grid-bench-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string at(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace bench
