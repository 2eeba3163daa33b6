// SPDX-License-Identifier: Apache-2.0
//
// Child: a program that the demo runs beside itself, with pipes to its stdin and from its stdout.
//
// Promises  It never outlives the demo, however that ends; Ctrl-C reaches the demo alone.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace demo {

class Child {
 public:
  Child() = default;
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // False when it can't be run at all. What it says on stderr goes into the file `log`.
  bool run(const std::vector<std::string>& command, const std::string& log);
  // Why it ended, as far as that is known: the signal, or the last thing that it said on stderr.
  std::string last_words() const;
  // The next whole line of its stdout, without its end, waiting up to `ms`; empty when there is none.
  std::string line(int ms);
  // Lines that have come, without waiting.
  std::vector<std::string> lines();
  void say(const std::string& word);
  bool is_running();
  // SIGTERM, and the exit code; -1 when it had to be killed.
  int end();

 private:
  bool take(int ms);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  std::string log_;
  int status_ = 0;
  std::string text_;
};

}  // namespace demo
