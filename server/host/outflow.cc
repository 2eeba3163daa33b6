// SPDX-License-Identifier: Apache-2.0

#include "server/host/outflow.h"

namespace grid::server {

using runtime::LinkId;

void Outflow::want(LinkId link) {
  const auto found = flows_.find(link);
  if (found == flows_.end()) return;
  found->second.wants = true;
  make_ready(link, found->second);
}

void Outflow::make_ready(LinkId link, Flow& flow) {
  if (!flow.wants || flow.is_ready || flow.batches == kBatches) return;
  flow.is_ready = true;
  ready_.push_back(link);
}

std::optional<LinkId> Outflow::next() {
  while (!ready_.empty()) {
    const LinkId link = ready_.front();
    ready_.pop_front();
    const auto found = flows_.find(link);
    if (found == flows_.end() || !found->second.is_ready) continue;
    found->second.is_ready = found->second.wants = false;
    return link;
  }
  return std::nullopt;
}

bool Outflow::sent(LinkId link, std::size_t bytes) {
  const auto found = flows_.find(link);
  if (found == flows_.end()) return false;
  Flow& flow = found->second;
  flow.bytes += static_cast<std::uint32_t>(bytes);
  if (++flow.frames < kBatchFrames && flow.bytes < kBatchBytes) return false;
  flow.bytes = flow.frames = 0;
  ++flow.batches;
  // What it wanted while it was given this frame waits for the batch.
  if (flow.batches == kBatches) flow.is_ready = false;
  return true;
}

void Outflow::taken(LinkId link) {
  const auto found = flows_.find(link);
  if (found == flows_.end() || found->second.batches == 0) return;
  --found->second.batches;
  make_ready(link, found->second);
}

}  // namespace grid::server
