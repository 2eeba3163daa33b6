// SPDX-License-Identifier: Apache-2.0
//
// Story: a gateway where root has put two rows, one of ann's and one of bob's; ann comes with the grants that a test
// gives her, on link 2 as node b.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/grants.h"
#include "tests/unit/server/bench.h"
#include "transport/json/value_json.h"

namespace grid::server::test {

inline constexpr LinkId kRoot = 1, kAnn = 2;
inline constexpr const char* kSecret = "only for bob";

inline std::string value_of(std::string_view json) {
  std::string value;
  json::JsonError error;
  if (json::value_from_json(json, value, error) != Status::ok) fail_msg("%s", error.sentence.c_str());
  return value;
}

inline GrantRules rules_of(const std::vector<std::pair<std::string, Grant>>& grants) {
  GrantRules rules;
  GrantRules::Fault fault;
  const auto add = [&](const std::string& role, const Grant& grant) {
    if (rules.add(role, grant, fault) != Status::ok) fail_msg("%s: %s", fault.rule.c_str(), fault.sentence.c_str());
    rules.assign(role, role);
  };
  add("root", {.map = "*",
               .channel = "#",
               .rights = {Right::read, Right::put, Right::remove, Right::subscribe, Right::publish, Right::inspect,
                          Right::admin}});
  for (const auto& [role, grant] : grants) add(role, grant);
  return rules;
}

class Story {
  Grants grants_;  // Outlives the links.

 public:
  // Each grant is one of ann's.
  explicit Story(const std::vector<Grant>& of_ann) : grants_(rules_with(of_ann), "farm") {
    bench.options.access = &grants_;
    bench.options.search.maps = {"climate"};
    bench.options.entity_asks_max = 4;
    bench.start();
    come(kRoot, "root", kA);
    put(kRoot, "anns", R"({"owner": "ann"})");
    put(kRoot, "bobs", "{\"owner\": \"bob\", \"note\": \"" + std::string(kSecret) + "\"}");
    bench.all(kRoot);
  }

  static GrantRules rules_with(const std::vector<Grant>& of_ann) {
    std::vector<std::pair<std::string, Grant>> grants;
    grants.reserve(of_ann.size());
    for (const Grant& grant : of_ann) grants.emplace_back("ann", grant);
    return rules_of(grants);
  }
  void give(const std::vector<Grant>& of_ann) {
    grants_.replace(rules_with(of_ann));
    bench.step({.kind = Event::Kind::grants_changed});
  }

  Access& grants() { return grants_; }

  // The first frame that answers; empty: none.
  Frame come(LinkId link, std::string_view who, crdt::NodeId node, std::string_view claims = "{}",
             std::uint64_t token = 0, std::uint64_t shared_time = 0) {
    const std::string encoded_claims = value_of(claims);
    bench.step({.kind = Event::Kind::link_up, .link = link, .bytes = as_bytes(encoded_claims), .identity = who});
    grid_Hello message = decoded<grid_Hello>(hello(node, token));
    message.shared_time = shared_time;
    bench.send(link, encoded(message));
    bench.flush();
    return bench.next(link);
  }
  void ann(std::uint64_t shared_time = 0) {
    if (kind_of(come(kAnn, "ann", kB, "{}", 0, shared_time)) != Kind::welcome) fail_msg("ann was not let in");
  }

  crdt::Op op(LinkId link, std::string_view key, std::string_view json, std::string_view sub = {},
              std::string_view map = "climate") {
    crdt::Op op{.cell = {{map, key, sub}, crdt::Stamp::of(kWallMs + ++time_, 0, link == kRoot ? kA : kB), 0, {}}};
    op.seq = time_;
    if (!json.empty()) op.cell.value = as_bytes(values_.emplace_back(value_of(json)));
    return op;
  }
  void put(LinkId link, std::string_view key, std::string_view json, std::string_view sub = {},
           std::string_view map = "climate") {
    bench.send(link, push({op(link, key, json, sub, map)}));
    bench.flush();
  }
  // Of the link, everything that it is sent now.
  std::vector<Frame> told(LinkId link = kAnn) {
    bench.flush();
    std::vector<Frame> frames = bench.all(link);
    for (const Frame& frame : frames) {
      if (link != kRoot) heard_.append(frame.begin(), frame.end());
    }
    return frames;
  }
  // Whether anything that ann was ever told has these bytes.
  bool was_told(std::string_view bytes) const { return heard_.find(bytes) != std::string::npos; }
  std::string standing(std::string_view key, std::string_view sub = {}, std::string_view map = "climate") {
    const Result<crdt::Op> cell = bench.store.find({map, key, sub});
    return cell.ok() ? std::string(as_text(cell->cell.value)) : "none";
  }
  // What became of the last push: its status.
  Status verdict() {
    Status verdict = Status::ok;
    for (const Frame& frame : told()) {
      wire::OpsReader reader;
      if (kind_of(frame) == Kind::reject && reader.open(frame) == Status::ok) verdict = reader.head().status;
    }
    return verdict;
  }
  // Keys of the rows in deltas, evicted ones behind a minus, removed ones behind an x.
  std::string rows(LinkId link = kAnn) {
    std::string text;
    for (const Frame& frame : told(link)) {
      wire::OpsReader reader;
      if (kind_of(frame) != Kind::delta || reader.open(frame) != Status::ok) continue;
      if (!reader.head().cursor.empty()) cursor = cursor_of(frame);
      for (crdt::Op one; reader.next(one);) {
        const char* mark = one.evicted ? "-" : one.cell.stamp.is_none() ? "?" : one.cell.is_tombstone() ? "x" : "";
        text.append(text.empty() ? "" : " ").append(mark).append(one.cell.name.key);
        if (!one.cell.name.sub.empty()) text.append("/").append(one.cell.name.sub);
      }
    }
    return text;
  }

  Bench bench;
  Frame cursor;

 private:
  std::deque<std::string> values_;
  std::uint64_t time_ = 0;
  std::string heard_;
};

}  // namespace grid::server::test
