// SPDX-License-Identifier: Apache-2.0

#include "transport/wire_topic.h"

#include "crdt/cell.h"

namespace grid::wire {

namespace {

bool has_wildcard(std::string_view text) { return text.find_first_of("+#") != std::string_view::npos; }

// What a topic and a filter have in common.
Status check_levels(std::string_view name) {
  if (name.size() > kTopicBytesMax) return Status::too_large;
  GRID_TRY(crdt::check_name({"topic", name, {}}));
  if (name.back() == '/') return Status::invalid;
  std::size_t count = 0;
  for (std::string_view rest = name; !rest.empty(); ++count) {
    if (take_level(rest).empty()) return Status::invalid;
  }
  return count > kTopicLevelsMax ? Status::too_large : Status::ok;
}

}  // namespace

Status check_topic(std::string_view topic) {
  GRID_TRY(check_levels(topic));
  return has_wildcard(topic) ? Status::invalid : Status::ok;
}

Status check_filter(std::string_view filter) {
  GRID_TRY(check_levels(filter));
  for (std::string_view rest = filter; !rest.empty();) {
    const std::string_view level = take_level(rest);
    if (has_wildcard(level) && level.size() > 1) return Status::invalid;
    if (level == "#" && !rest.empty()) return Status::invalid;
  }
  return Status::ok;
}

bool filter_matches(std::string_view filter, std::string_view topic) {
  while (!filter.empty()) {
    const std::string_view wanted = take_level(filter);
    if (wanted == "#") return true;
    if (topic.empty()) return false;
    const std::string_view level = take_level(topic);
    if (wanted != "+" && wanted != level) return false;
  }
  return topic.empty();
}

}  // namespace grid::wire
