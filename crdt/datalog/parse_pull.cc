// SPDX-License-Identifier: Apache-2.0
//
// Patterns of pull: `[* :name {:friend [:name]} (:tag :limit 3 :as :tags)]`. Nested ones wait in a queue.

#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

bool is_star(const Node& node) {
  return node.is_symbol("*") || (node.is(Kind::text) && node.text == "*") || node.is_keyword("*");
}

bool is_id(const Node& node) { return node.text == "db/id" && (node.is(Kind::keyword) || node.is(Kind::text)); }

}  // namespace

struct Parser::PullJob {
  const Node* node = nullptr;
  Pull* pull = nullptr;
  PullJob* next = nullptr;
  PullJob* last = nullptr;  // Of the whole queue; the first job's counts.
  PullJob* first = nullptr;
  std::span<PullItem> items{};
  bool operator==(const PullJob&) const = delete;
};

Result<const Pull*> Parser::parse_pull(const Node& pattern) {
  const std::span<Pull> pull = arena_.make<Pull>(1);
  const std::span<PullJob> first = arena_.make<PullJob>(1);
  if (pull.empty() || first.empty()) return no_room(pattern);
  first[0].node = &pattern;
  first[0].pull = pull.data();
  first[0].first = first[0].last = first.data();
  for (PullJob* job = first.data(); job != nullptr; job = job->next) GRID_TRY(read_pull_items(*job));
  return static_cast<const Pull*>(pull.data());
}

Status Parser::read_pull_items(PullJob& job) {
  const Node& node = *job.node;
  if (!node.is(Kind::vector)) return refuse(Complaint::pull_wrong, node);
  std::size_t most = 0;
  for (const Node& item : node.items()) most += item.is(Kind::map) ? item.items().count() / 2 : 1;
  if (most == 0) return refuse(Complaint::pull_wrong, node);
  const auto items = make<PullItem>(most, node);
  if (!items.ok()) return items.status();
  job.items = *items;
  std::size_t count = 0;
  for (const Node& item : node.items()) {
    if (is_star(item)) {
      job.pull->is_wild = job.pull->with_id = true;
    } else if (is_id(item)) {
      job.pull->with_id = true;
    } else if (item.is(Kind::map)) {
      GRID_TRY(read_pull_map(item, job, count));
    } else {
      GRID_TRY(read_pull_attribute(item, (*items)[count]));
      ++count;
    }
  }
  job.pull->items = items->first(count);
  return Status::ok;
}

// `:a`, "a", `:a/_b`, or one of these with options in a list or vector.
Status Parser::read_pull_attribute(const Node& node, PullItem& item) {
  const bool has_options = node.is(Kind::list) || node.is(Kind::vector);
  return has_options ? read_pull_options(node, item) : read_pull_name(node, item);
}

Status Parser::read_pull_name(const Node& node, PullItem& item) {
  if ((!node.is(Kind::keyword) && !node.is(Kind::text)) || node.text.empty() || is_star(node) || is_id(node)) {
    return refuse(Complaint::pull_attribute_wrong, node);
  }
  item.at = node.at;
  item.key = item.attribute = node.text;
  const std::size_t slash = node.text.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  if (name + 1 >= node.text.size() || node.text[name] != '_') return Status::ok;
  item.is_reverse = true;
  const std::span<char> room = arena_.make<char>(node.text.size() - 1);
  if (room.empty()) return no_room(node);
  for (std::size_t from = 0, to = 0; from < node.text.size(); ++from) {
    if (from != name) room[to++] = node.text[from];
  }
  item.attribute = {room.data(), room.size()};
  return Status::ok;
}

// `(:a :limit 3 :default 0)`, or as it was written once: `(limit :a 3)`, `(default :a 0)`.
Status Parser::read_pull_options(const Node& node, PullItem& item) {
  const Forms forms = node.items();
  if (forms.empty()) return refuse(Complaint::pull_attribute_wrong, node);
  const Node& first = forms.front();
  if (first.is(Kind::symbol)) {
    if (forms.count() != 3) return refuse(Complaint::pull_attribute_wrong, node);
    const Node& attribute = forms.rest().front();
    GRID_TRY(read_pull_name(attribute, item));
    return read_pull_option(first.text, first, forms.rest().rest().front(), item);
  }
  GRID_TRY(read_pull_name(first, item));
  for (auto at = forms.rest().begin(); at != forms.end(); ++at) {
    const Node& option = *at;
    if (!option.is(Kind::keyword)) return refuse(Complaint::pull_option_unknown, option);
    ++at;
    if (at == forms.end()) return refuse_named(Complaint::pull_option_wrong, option, option.text);
    GRID_TRY(read_pull_option(option.text, option, *at, item));
  }
  return Status::ok;
}

Status Parser::read_pull_option(std::string_view name, const Node& at, const Node& value, PullItem& item) {
  if (name == "limit") {
    const bool is_amount = value.is(Kind::integer) && value.integer > 0 && value.integer <= UINT32_MAX;
    if (!is_amount && !value.is(Kind::nil)) return refuse_named(Complaint::pull_option_wrong, value, name);
    item.limit = is_amount ? static_cast<std::uint32_t>(value.integer) : 0;
    return Status::ok;
  }
  if (name == "default") {
    const Result<Value> otherwise = constant_of(value);
    if (!otherwise.ok()) return otherwise.status();
    item.otherwise = *otherwise;
    return Status::ok;
  }
  if (name == "as") {
    if (!value.is(Kind::keyword) && !value.is(Kind::text)) {
      return refuse_named(Complaint::pull_option_wrong, value, name);
    }
    item.key = value.text;
    return Status::ok;
  }
  return refuse(Complaint::pull_option_unknown, at);
}

// `{:friend [:name], :parent 3, :child ...}`
Status Parser::read_pull_map(const Node& node, PullJob& job, std::size_t& count) {
  const Forms forms = node.items();
  if (forms.empty()) return refuse(Complaint::pull_nested_wrong, node);
  for (auto at = forms.begin(); at != forms.end(); ++at) {
    PullItem& item = job.items[count++];
    GRID_TRY(read_pull_attribute(*at, item));
    ++at;
    const Node& value = *at;
    if (value.is_symbol("...")) {
      item.again = PullItem::kForever;
    } else if (value.is(Kind::integer) && value.integer > 0 && value.integer < PullItem::kForever) {
      item.again = static_cast<std::uint32_t>(value.integer);
    } else if (value.is(Kind::vector)) {
      const std::span<Pull> pull = arena_.make<Pull>(1);
      const std::span<PullJob> nested = arena_.make<PullJob>(1);
      if (pull.empty() || nested.empty()) return no_room(value);
      nested[0].node = &value;
      nested[0].pull = pull.data();
      nested[0].first = job.first;
      job.first->last = job.first->last->next = nested.data();
      item.nested = pull.data();
    } else {
      return refuse(Complaint::pull_nested_wrong, value);
    }
  }
  return Status::ok;
}

}  // namespace grid::datalog
