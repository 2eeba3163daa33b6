// SPDX-License-Identifier: Apache-2.0

#include "server/row_rules.h"

#include <algorithm>
#include <cmath>

#include "crdt/query/compile.h"
#include "crdt/query/order.h"

namespace grid::server {

using crdt::Value;
using crdt::ValueKind;
using query::Row;

namespace {

std::string sentence_of(const query::Trouble& trouble) {
  char room[256];
  return std::string(trouble.sentence(room));
}

bool compile_predicate(const std::string& text, std::vector<std::uint8_t>& program, std::string& problem) {
  program.resize(query::Predicate::kProgramBytesMax);
  query::Trouble trouble;
  const Result<query::Predicate> made = query::compile(text, {}, program, trouble);
  if (!made.ok()) problem = sentence_of(trouble);
  program.resize(made.ok() ? made->program().size() : 0);
  program.shrink_to_fit();
  return made.ok();
}

bool compile_field(const std::string& text, std::vector<std::uint8_t>& path, std::string& problem) {
  path.resize(query::kPathNamesMax * (query::kPathNameBytesMax + 1) + 1);
  query::Trouble trouble;
  const Result<query::Path> made = query::compile_path(text, path, trouble);
  if (!made.ok()) problem = sentence_of(trouble);
  const bool is_field = made.ok() && made->root() == query::Root::value;
  if (made.ok() && !is_field) problem = "a rule asks for a field of the row, which " + text + " is not";
  path.resize(is_field ? made->encoded().size() : 0);
  path.shrink_to_fit();
  return is_field;
}

Value at(const std::vector<std::uint8_t>& path, std::string_view key, const Value& value) {
  query::Path::Room room;
  return query::Path(path).of(Row{key, value}, room);
}

// Null is no value that could be kept, or be greater than another.
bool is_given(const Value& value) { return value.exists() && value.kind() != ValueKind::null; }
bool is_comparable(const Value& value) { return is_given(value) && !std::isnan(value.number_or(0)); }

}  // namespace

Status RowRules::add(const MapRules& rules, Fault& fault) {
  Map map;
  map.name = rules.map;
  const auto refuse = [&fault](const char* rule, std::string sentence) {
    fault = {rule, std::move(sentence)};
    return Status::invalid;
  };
  std::string problem;
  if (crdt::check_map_name(rules.map) != Status::ok) return refuse("", "a map is 1 to 64 of A-Z a-z 0-9 _ . -");
  if (find(rules.map) != nullptr) return refuse("", "the map has rules already");
  map.require.text = rules.require;
  if (!compile_predicate(rules.require, map.require.program, problem)) return refuse("require", problem);
  map.reject_if.text = rules.reject_if;
  if (!compile_predicate(rules.reject_if, map.reject_if.program, problem)) return refuse("reject_if", problem);
  for (const std::string& name : rules.immutable) {
    if (!compile_field(name, map.immutable.emplace_back(Field{name, {}}).path, problem)) {
      return refuse("immutable", problem);
    }
  }
  map.first_write_wins = rules.first_write_wins;
  map.most = !rules.max_wins.empty();
  const char* rule = map.most ? "max_wins" : "min_wins";
  map.best.name = map.most ? rules.max_wins : rules.min_wins;
  if (map.most && !rules.min_wins.empty()) return refuse("min_wins", "a map has max_wins or min_wins, not both");
  if (!map.best.name.empty() && !compile_field(map.best.name, map.best.path, problem)) return refuse(rule, problem);
  if (!map.best.name.empty() && map.first_write_wins) {
    return refuse("first_write_wins", std::string("where the first write stands, ") + rule + " has nothing to decide");
  }
  maps_.push_back(std::move(map));
  return Status::ok;
}

const RowRules::Map* RowRules::find(std::string_view map) const {
  const auto found = std::find_if(maps_.begin(), maps_.end(), [map](const Map& one) { return one.name == map; });
  return found == maps_.end() ? nullptr : &*found;
}

Ruling RowRules::judge(std::span<const Proposal> batch) {
  for (const Proposal& write : batch) {
    const Map* map = find(write.name.map);
    const Ruling ruling = map != nullptr ? judge_one(*map, write) : Ruling{};
    if (ruling.status != Status::ok) return ruling;
  }
  return {};
}

Ruling RowRules::judge_one(const Map& map, const Proposal& write) {
  if (!write.name.sub.empty()) return refuse(Status::invalid, write, "the map has rules, and so it holds rows only");
  const Row next{write.name.key, write.next};
  if (write.next.exists()) {
    // Either refuses what it would be too costly to judge.
    if (map.require.is_set() && map.require.judge(next) != query::Verdict::yes) {
      return refuse(Status::invalid, write, "not " + map.require.text);
    }
    if (map.reject_if.is_set() && map.reject_if.judge(next) != query::Verdict::no) {
      return refuse(Status::invalid, write, map.reject_if.text);
    }
  }
  if (!write.now.exists() || equal(write.now.canonical(), write.next.canonical())) return {};
  if (map.first_write_wins) return refuse(Status::conflict, write, "the first write stands");
  for (const Field& field : map.immutable) {
    const Value kept = at(field.path, write.name.key, write.now);
    if (!is_given(kept) || query::compare(kept, at(field.path, write.name.key, write.next)) == 0) continue;
    return refuse(Status::conflict, write, field.name + " can't be changed");
  }
  return {};
}

// Field against field. What is no value, or of another kind than what stands, beats nothing.
Resolution RowRules::resolve(const Proposal& write) {
  const Map* map = find(write.name.map);
  if (map == nullptr || map->best.name.empty() || !write.now.exists() || !write.next.exists()) {
    return Resolution::by_stamp;
  }
  const Value now = at(map->best.path, write.name.key, write.now);
  const Value next = at(map->best.path, write.name.key, write.next);
  if (!is_comparable(now)) return is_comparable(next) ? Resolution::next : Resolution::by_stamp;
  if (!is_comparable(next) || !query::are_of_one_class(now, next)) return Resolution::now;
  const int order = query::compare(next, now);
  if (order == 0) return Resolution::by_stamp;
  return (order > 0) == map->most ? Resolution::next : Resolution::now;
}

Ruling RowRules::refuse(Status status, const Proposal& write, const std::string& why) {
  sentence_.assign(write.name.map).append("/").append(write.name.key.substr(0, 40)).append(": ").append(why);
  return {status, sentence_};
}

}  // namespace grid::server
