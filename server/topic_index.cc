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

void TopicIndex::remove(std::string_view filter, LinkId link) {
  struct Step {
    Level* parent;
    std::map<std::string, Level, std::less<>>::iterator child;
  };
  std::vector<Step> path;
  Level* level = &root_;
  for (std::string_view rest = filter; !rest.empty();) {
    const auto child = level->children.find(wire::take_level(rest));
    if (child == level->children.end()) return;
    path.push_back({level, child});
    level = &child->second;
  }
  level->links.erase(link);
  for (; !path.empty() && path.back().child->second.empty(); path.pop_back()) {
    path.back().parent->children.erase(path.back().child);
  }
}

void TopicIndex::find(std::string_view topic, std::vector<LinkId>& out) const {
  out.clear();
  std::vector<const Level*> front{&root_};  // Of all levels so deep that match so far.
  for (std::string_view rest = topic; !rest.empty();) {
    const std::string_view name = wire::take_level(rest);
    std::vector<const Level*> next;
    for (const Level* level : front) {
      take_child(*level, "#", out);
      for (const std::string_view wanted : {name, std::string_view("+")}) {
        const auto child = level->children.find(wanted);
        if (child != level->children.end()) next.push_back(&child->second);
      }
    }
    front = std::move(next);
  }
  for (const Level* level : front) {
    take_child(*level, "#", out);
    out.insert(out.end(), level->links.begin(), level->links.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

void TopicIndex::take_child(const Level& level, std::string_view name, std::vector<LinkId>& out) {
  const auto child = level.children.find(name);
  if (child == level.children.end()) return;
  out.insert(out.end(), child->second.links.begin(), child->second.links.end());
}

}  // namespace grid::server
