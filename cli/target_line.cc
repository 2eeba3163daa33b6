// SPDX-License-Identifier: Apache-2.0
#include "cli/target_line.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <random>

#include "cli/failure.h"
#include "cli/text.h"

namespace grid::cli {
namespace {

using transport::Arrival;
using transport::StreamLink;

// Nothing that makes sense for so long, and for as long as a chip's answer takes on a slow line: nobody is there.
constexpr std::uint64_t kGiveUpMs = 5'000;
constexpr std::uint64_t kAnswerBits = std::uint64_t{10} * 4'096;
constexpr std::uint64_t kOpenAgainMs = 250;
// A question is put again when its answer was torn and the line fell silent, when it is silent, or when noise goes on.
constexpr std::uint64_t kTornMs = 50;
constexpr std::uint64_t kSilentMs = 200;
constexpr std::uint64_t kNoiseMs = 1'000;
constexpr std::uint64_t kAgainMsMax = 60'000;  // What may go by with that, in all.
constexpr std::uint64_t kGoodbyeMs = 100;
constexpr std::size_t kAnswerBytesMax = kValueBytesMax + std::size_t{64} * 1'024;
constexpr std::string_view kSerial = "serial:";
constexpr std::string_view kUnix = "unix:";

std::uint64_t monotonic_ms() {
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since_boot).count());
}

std::uint32_t baud_of(std::string_view text) {
  std::uint32_t baud = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), baud);
  if (error == std::errc{} && rest == text.data() + text.size()) return baud;
  throw Failure(Exit::usage, "a serial line is serial:DEVICE or serial:DEVICE@BAUD, and '" + std::string(text) +
                                 "' is no number of bauds");
}

// Behind the last @ that no folder follows stands a baud rate.
LinePort port_of(const std::string& target) {
  const std::string line = target.substr(target.find(':') + 1);
  if (target.starts_with(kUnix)) {
    if (line.empty()) throw Failure(Exit::usage, "a socket is unix:PATH, and there is no path");
    return LinePort::unix_socket(line);
  }
  const std::size_t at = line.rfind('@');
  const bool has_baud = at != std::string::npos && line.find('/', at) == std::string::npos;
  const std::string device = line.substr(0, has_baud ? at : line.size());
  if (device.empty()) throw Failure(Exit::usage, "a serial line is serial:DEVICE or serial:DEVICE@BAUD");
  return LinePort::serial(device, has_baud ? baud_of(std::string_view(line).substr(at + 1)) : kBaudDefault);
}

}  // namespace

bool is_line_target(std::string_view target) { return target.starts_with(kSerial) || target.starts_with(kUnix); }

TargetLine::TargetLine(const std::string& target)
    : name_(target),
      is_serial_(target.starts_with(kSerial)),
      port_(port_of(target)),
      answer_ms_(port_.baud() == 0 ? 0 : 1'000 * kAnswerBits / port_.baud()),
      arriving_(std::make_unique_for_overwrite<std::uint8_t[]>(StreamLink::arriving_bytes(kAnswerBytesMax))),
      sending_(std::make_unique_for_overwrite<std::uint8_t[]>(StreamLink::sending_bytes(wire::kControlBytesMax))),
      link_({arriving_.get(), StreamLink::arriving_bytes(kAnswerBytesMax)},
            {sending_.get(), StreamLink::sending_bytes(wire::kControlBytesMax)}) {
  open();
}

// The device learns that nobody looks any more, if it takes that soon.
TargetLine::~TargetLine() {
  link_.close(StreamLink::kNormal, {});
  const std::uint64_t until_ms = monotonic_ms() + kGoodbyeMs;
  while (!is_down_ && !link_.outgoing().empty() && monotonic_ms() < until_ms) {
    port_.wait(true, 10);
    move_bytes();
  }
}

void TargetLine::open() {
  link_.open(static_cast<std::uint16_t>(std::random_device()()));
  const std::uint64_t give_up_ms = monotonic_ms() + patience_ms();
  for (;;) {
    pump(std::min(give_up_ms, monotonic_ms() + kOpenAgainMs));
    if (link_.is_open()) return;
    if (monotonic_ms() >= give_up_ms) fail_silent();
    link_.ping();  // Which asks again.
  }
}

std::uint64_t TargetLine::patience_ms() const { return kGiveUpMs + answer_ms_; }

TargetLine::Answer TargetLine::ask(grid_InspectAsk ask, const TakeOp& take_op, const char* smaller) {
  ask.id = ++last_id_;
  const std::uint64_t began_ms = monotonic_ms();
  const bool is_torn = !hear_reply(ask, began_ms + patience_ms());
  if (is_torn) ask_again(ask, smaller, began_ms);
  wire::OpsReader reader;
  if (reader.open(frame_) != Status::ok) fail_corrupt("an answer that is no frame");
  Answer answer{reader.head().status, reader.head().last, is_torn, 0};
  for (crdt::Op op; reader.next(op); ++answer.ops) {
    if (reader.status() != Status::ok) fail_corrupt("an answer with an op that breaks a rule");
    take_op(op);
  }
  return answer;
}

// Under the same id: as far as they go, all answers say the same, so the first whole one will do.
void TargetLine::ask_again(grid_InspectAsk ask, const char* smaller, std::uint64_t began_ms) {
  if (smaller != nullptr) std::strncpy(ask.topic, smaller, sizeof(ask.topic) - 1);
  const std::uint64_t give_up_ms = began_ms + patience_ms();
  const std::uint64_t enough_ms = began_ms + kAgainMsMax - again_ms_;
  do {
    if (monotonic_ms() >= enough_ms) fail_noisy();
    if (monotonic_ms() >= give_up_ms) fail_silent();
  } while (!hear_reply(ask, std::min(give_up_ms, enough_ms)));
  again_ms_ = std::min(again_ms_ + monotonic_ms() - began_ms, kAgainMsMax);
}

void TargetLine::send(const grid_InspectAsk& ask) {
  if (link_.room().empty()) return;  // The same ask is still on its way.
  link_.send(wire::encode(ask, link_.room()).size());
}

// Asks, and passes over late answers to what was asked before. False: it was lost, or it is time.
bool TargetLine::hear_reply(const grid_InspectAsk& ask, std::uint64_t until_ms) {
  send(ask);
  std::uint64_t since_ms = monotonic_ms();
  std::uint32_t dropped = link_.dropped();
  until_ms = std::min(until_ms, since_ms + kNoiseMs + answer_ms_);
  for (;;) {
    const Heard heard = pump(std::min(until_ms, monotonic_ms() + kTornMs));
    if (heard == Heard::frame) {
      if (is_reply_to(ask)) return true;
      dropped = link_.dropped();
    }
    const std::uint64_t now_ms = monotonic_ms();
    since_ms = std::max(since_ms, heard_ms_);
    const std::uint64_t silent_ms = kSilentMs + answer_ms_ / 64;
    if (now_ms >= until_ms || now_ms - since_ms >= (link_.dropped() != dropped ? kTornMs : silent_ms)) return false;
  }
}

bool TargetLine::is_reply_to(const grid_InspectAsk& ask) const {
  const Result<wire::Kind> kind = wire::kind_of(frame_);
  if (!kind.ok() || *kind != wire::Kind::inspect_reply) fail_corrupt("a frame that is no answer");
  wire::OpsReader reader;
  if (reader.open(frame_) != Status::ok) fail_corrupt("an answer that is no frame");
  return reader.head().id == ask.id;
}

// Moves bytes until something was heard, or it is time.
TargetLine::Heard TargetLine::pump(std::uint64_t until_ms) {
  for (;;) {
    const Heard heard = take();
    if (heard != Heard::nothing) return heard;
    if (is_down_) link_.lost();
    if (link_.is_over()) fail_closed();
    const std::uint64_t now_ms = monotonic_ms();
    if (now_ms >= until_ms) return Heard::nothing;
    port_.wait(!link_.outgoing().empty(), until_ms - now_ms);
    move_bytes();
  }
}

// False: the line is down; what had come before stays to be taken.
bool TargetLine::move_bytes() {
  if (rest_.empty()) {
    const std::optional<std::size_t> size = port_.read(heard_);
    if (size) rest_ = Bytes(heard_, *size);
    heard_bytes_ += rest_.size();
    if (!rest_.empty()) heard_ms_ = monotonic_ms();
    is_down_ = is_down_ || !size;
  }
  if (!link_.outgoing().empty() && !is_down_) {
    const std::optional<std::size_t> size = port_.write(link_.outgoing());
    if (size) link_.sent(*size);
    is_down_ = is_down_ || !size;
  }
  return !is_down_;
}

TargetLine::Heard TargetLine::take() {
  for (;;) {
    const Arrival arrival = link_.receive(rest_);
    frame_ = arrival.frame;
    switch (arrival.kind) {
      case Arrival::Kind::frame:
        return Heard::frame;
      case Arrival::Kind::opened:
        return Heard::opened;
      case Arrival::Kind::none:
        return Heard::nothing;
      case Arrival::Kind::missed:  // Tells nothing that the time does not.
      case Arrival::Kind::pong:
      case Arrival::Kind::closed:
        break;
    }
  }
}

void TargetLine::fail_silent() {
  std::string sentence = "no answer from " + name_;
  const bool is_noisy = link_.is_open() && link_.dropped() != 0;
  sentence += (is_noisy ? " came whole within " : " within ") + std::to_string(patience_ms() / 1'000) + " s";
  if (heard_bytes_ == 0) {
    sentence += is_serial_ ? ": is it a Grid device that is on, and listens on this line?" : ": does the device hang?";
  } else if (is_noisy) {
    sentence += ", but " + counted(link_.dropped(), "piece") + " of noise: the line is too bad to go on";
  } else if (!link_.is_open()) {
    sentence += ", but " + counted(heard_bytes_, "byte") + " of noise";
    sentence += is_serial_ ? ": is it a Grid device? Is the baud rate its own?" : ": is it a Grid device?";
  }
  throw Failure(Exit::unreachable, sentence);
}

// Noise took so much that going on would take for ever.
void TargetLine::fail_noisy() {
  throw Failure(Exit::unreachable, name_ + " is too noisy a line: asking again has taken " +
                                       std::to_string(kAgainMsMax / 1'000) + " s, for " +
                                       counted(link_.dropped(), "piece") + " of noise");
}

void TargetLine::fail_closed() {
  if (link_.status() == Status::newer) {
    throw Failure(Exit::failure, name_ + ": " + link_.problem() + "; use the gridctl of the device's release");
  }
  if (is_down_) throw Failure(Exit::unreachable, name_ + " hung up: " + link_.problem());
  throw Failure(Exit::unreachable, name_ + ": " + link_.problem());
}

void TargetLine::fail_corrupt(const std::string& what) const {
  throw Failure(Exit::corrupt, name_ + " breaks the protocol: it sent " + what);
}

}  // namespace grid::cli
