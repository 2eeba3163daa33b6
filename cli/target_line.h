// SPDX-License-Identifier: Apache-2.0
//
// TargetLine: a device that is looked into over a line: `--target serial:DEV[@BAUD]` or `--target unix:PATH`.
//
// Place     Above line_port.h and transport/stream; below line_verbs.cc. Asks in the protocol's own frames
//           (docs/WIRE.md, inspect_ask), and only reads.
// Promises  Whatever the device sends ends in an answer or in a Failure that says what is wrong: silence, noise, a
//           hang-up, another version, an answer that breaks a rule. What noise takes is asked for again: for five
//           seconds an answer, and a minute in all.
// Threads   One.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/line_port.h"
#include "crdt/cell.h"
#include "transport/stream/stream_link.h"
#include "transport/wire.h"

namespace grid::cli {

// Whether a target names a line.
bool is_line_target(std::string_view target);

class TargetLine {
 public:
  // Opens the line, and awaits that a device answers. Throws a Failure.
  explicit TargetLine(const std::string& target);
  ~TargetLine();
  TargetLine(const TargetLine&) = delete;
  TargetLine& operator=(const TargetLine&) = delete;

  // The answer to one ask, whose id is filled in; it is handed to `take` op by op. Throws a Failure. What has to be
  // asked for again may be asked for as the topic `smaller`, whose answers are shorter.
  struct Answer {
    Status status = Status::ok;
    bool last = false;
    bool was_torn = false;  // Or the ask was.
    std::size_t ops = 0;
  };
  using TakeOp = std::function<void(const crdt::Op&)>;
  Answer ask(grid_InspectAsk ask, const TakeOp& take, const char* smaller = nullptr);

  // For what the verbs find wrong with what was sent.
  [[noreturn]] void fail_corrupt(const std::string& what) const;
  const std::string& name() const { return name_; }

 private:
  enum class Heard : std::uint8_t { nothing, frame, opened };

  void open();
  void send(const grid_InspectAsk& ask);
  void ask_again(grid_InspectAsk ask, const char* smaller, std::uint64_t began_ms);
  bool hear_reply(const grid_InspectAsk& ask, std::uint64_t until_ms);
  bool is_reply_to(const grid_InspectAsk& ask) const;
  std::uint64_t patience_ms() const;
  Heard pump(std::uint64_t until_ms);
  bool move_bytes();
  Heard take();
  [[noreturn]] void fail_silent();
  [[noreturn]] void fail_noisy();
  [[noreturn]] void fail_closed();

  std::string name_;  // Of the line, for people.
  bool is_serial_;
  LinePort port_;
  std::uint64_t answer_ms_;  // What the longest answer of a chip takes at this line's pace.
  std::unique_ptr<std::uint8_t[]> arriving_, sending_;
  transport::StreamLink link_;
  std::uint32_t last_id_ = 0;
  bool is_down_ = false;
  std::uint64_t heard_bytes_ = 0;
  std::uint64_t heard_ms_ = 0;  // When the last of them came.
  std::uint64_t again_ms_ = 0;  // Went by with asking again.
  std::uint8_t heard_[4'096];
  Bytes rest_{};   // Of what was heard.
  Bytes frame_{};  // That came last.
};

}  // namespace grid::cli
