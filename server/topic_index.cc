// SPDX-License-Identifier: Apache-2.0

#include "server/topic_index.h"

#include <algorithm>

#include "transport/wire_topic.h"

namespace grid::server {

using runtime::LinkId;

void TopicIndex::add(std::string_view filter, LinkId link) {
  Level* level = &root_;
  for (std::string_view rest = filter; !rest.empty();) level = &level->children[std::string(wire::take_level(rest))];
  level->links.insert(link);
}

void TopicIndex::remove(std::string_view filter, LinkId link) { remove(root_, filter, link); }

// As deep as a filter has levels: wire::kTopicLevelsMax.
void TopicIndex::remove(Level& level, std::string_view rest, LinkId link) {
  if (rest.empty()) {
    level.links.erase(link);
    return;
  }
  const auto child = level.children.find(wire::take_level(rest));
  if (child == level.children.end()) return;
  remove(child->second, rest, link);
  if (child->second.links.empty() && child->second.children.empty()) level.children.erase(child);
}

void TopicIndex::find(std::string_view topic, std::vector<LinkId>& out) const {
  out.clear();
  find(root_, topic, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

void TopicIndex::find(const Level& level, std::string_view rest, std::vector<LinkId>& out) {
  const auto below = level.children.find("#");
  if (below != level.children.end()) take_all(below->second, out);
  if (rest.empty()) return take_all(level, out);
  const std::string_view first = wire::take_level(rest);
  for (const std::string_view wanted : {first, std::string_view("+")}) {
    const auto child = level.children.find(wanted);
    if (child != level.children.end()) find(child->second, rest, out);
  }
}

void TopicIndex::take_all(const Level& level, std::vector<LinkId>& out) {
  out.insert(out.end(), level.links.begin(), level.links.end());
}

}  // namespace grid::server
