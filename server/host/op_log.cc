// SPDX-License-Identifier: Apache-2.0

#include "server/host/op_log.h"

#include <uv.h>

namespace grid::server {

using runtime::LinkId;

void OpLog::op(const SeenOp& seen) {
  std::string stamp(seen.stamp.is_none() ? 0 : crdt::Stamp::kTextBytes, ' ');
  if (!stamp.empty()) crdt::format(seen.stamp, stamp.data());
  log_.say(Log::Level::debug, seen.status == Status::ok ? "op taken" : "op refused",
           {{"app", app_},
            {"link", std::uint64_t{seen.link}},
            {"identity", seen.identity},
            {"seq", seen.seq},
            {"stamp", stamp},
            {"map", seen.name.map},
            {"key", seen.name.key},
            {"does", seen.is_removal ? "remove" : "put"},
            {"position", seen.position},
            {"status", name_of(seen.status)},
            {"why", seen.why}});
}

void OpLog::acknowledged(LinkId link, crdt::Seq applied, crdt::Seq durable) {
  log_.say(Log::Level::debug, "acknowledged",
           {{"app", app_}, {"link", std::uint64_t{link}}, {"applied", applied}, {"durable", durable}});
}

void OpLog::ended(LinkId link, Status status, std::string_view reason) {
  log_.say(status == Status::ok ? Log::Level::debug : Log::Level::info, "session ended",
           {{"app", app_}, {"link", std::uint64_t{link}}, {"status", name_of(status)}, {"reason", reason}});
}

void OpLog::durable(storage::Seq through) {
  if (through == durable_) return;
  durable_ = through;
  if (marks_.size() == kMarksMax) {
    marks_[1].at_ns = marks_[0].at_ns;
    marks_.pop_front();
  }
  marks_.push_back({through, uv_hrtime()});
  log_.say(Log::Level::debug, "journal on disk", {{"app", app_}, {"position", through}});
}

void OpLog::drained(storage::Seq through) {
  const std::uint64_t now_ns = uv_hrtime();
  for (; !marks_.empty() && marks_.front().through <= through; marks_.pop_front()) {
    queue_.note(now_ns - marks_.front().at_ns);
  }
  log_.say(Log::Level::debug, "database has it", {{"app", app_}, {"position", through}});
}

}  // namespace grid::server
