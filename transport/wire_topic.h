// SPDX-License-Identifier: Apache-2.0
//
// Topics: names of levels, `alarm/kitchen/smoke`, and filters of them, `alarm/+/smoke`, `alarm/#`. Rooms have such
// names.
//
// Place     Beside wire_channel.h, above crdt/. Pure.
// Promises  A legal name has 1 to kTopicBytesMax bytes of UTF-8 without control characters, and 1 to kTopicLevelsMax
//           levels, none of them empty.
#pragma once

#include <cstddef>
#include <string_view>

#include "crdt/base/status.h"

namespace grid::wire {

inline constexpr std::size_t kTopicBytesMax = 128;
inline constexpr std::size_t kTopicLevelsMax = 16;

// Takes the first level off the front of `rest`.
inline std::string_view take_level(std::string_view& rest) {
  const std::size_t size = rest.find('/');
  const std::string_view level = rest.substr(0, size);
  rest.remove_prefix(size == std::string_view::npos ? rest.size() : size + 1);
  return level;
}

// Of a topic or room: `+` and `#` stand nowhere in it.
//   too_large  More bytes or levels than there may be.
//   invalid    Another rule is broken.
Status check_topic(std::string_view topic);
// Of a filter: a level `+` stands for any one level; `#`, the last, for any number of them, none included.
Status check_filter(std::string_view filter);

// Whether a legal filter has a legal topic.
bool filter_matches(std::string_view filter, std::string_view topic);

}  // namespace grid::wire
