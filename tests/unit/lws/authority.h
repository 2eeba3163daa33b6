// SPDX-License-Identifier: Apache-2.0
//
// Authority: who signs certificates in a test, by the openssl command. All its files are in one new directory.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "crdt/base/check.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {

struct Signed {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  explicit Authority(const std::string& name = "authority") : name_(name) {
    run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=" + name + " -keyout " +
        file(name + ".key") + " -out " + ca());
  }

  std::string ca() const { return file(name_ + ".pem"); }
  std::string file(const std::string& name) const { return directory_.path() + "/" + name; }

  // `extensions` as in a configuration of openssl; below zero `days` it has expired.
  Signed sign(const std::string& name, const std::string& extensions, int days = 30) const {
    const Signed made{file(name + ".pem"), file(name + ".key")};
    write(name + ".ext", extensions + "\n");
    run("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " + made.key +
        " -out " + file(name + ".csr"));
    run("x509 -req -in " + file(name + ".csr") + " -CA " + ca() + " -CAkey " + file(name_ + ".key") + " -days " +
        std::to_string(days) + " -CAcreateserial -extfile " + file(name + ".ext") + " -out " + made.certificate);
    ::chmod(made.key.c_str(), 0600);
    return made;
  }

  // Of a server on this machine.
  Signed server(const std::string& name = "server", int days = 30) const {
    return sign(name, "subjectAltName=DNS:localhost,IP:127.0.0.1", days);
  }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }

 private:
  static void run(const std::string& arguments) {
    GRID_CHECK(std::system(("openssl " + arguments + " >/dev/null 2>&1").c_str()) == 0);
  }

  TemporaryDirectory directory_;
  std::string name_;
};

}  // namespace grid::test
