// SPDX-License-Identifier: Apache-2.0
//
// AdminDesk: what a gateway can be asked by whoever owns its data.
//
// Place     Below admin_socket.h, which brings questions, and above those who know answers.
//
// A question is a JSON object on one line, with its `verb`. The answer is any number of lines, each a JSON object, and
// a last one: {"status":"ok"}, or another status with a `problem`. Then the gateway hangs up.
#pragma once

#include <string>
#include <utility>

#include "crdt/base/status.h"
#include "crdt/value.h"

namespace grid::server {

struct AdminAnswer {
  Status status = Status::ok;
  std::string problem{};  // A sentence, unless the status is ok.
  std::string lines{};    // Each with its end.

  static AdminAnswer refuse(Status status, std::string problem) { return {status, std::move(problem), {}}; }
};

// Who knows the verbs.
class AdminDesk {
 public:
  // `question` is a record with a text `verb`.
  virtual AdminAnswer answer(const crdt::Value& question) = 0;

 protected:
  ~AdminDesk() = default;
};

}  // namespace grid::server
