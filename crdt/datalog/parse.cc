// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/parse.h"

#include <algorithm>

#include "crdt/datalog/analysis.h"
#include "crdt/datalog/parser.h"

namespace grid::datalog {
namespace {

using Kind = Node::Kind;

constexpr std::size_t kFoundMax = 60;

}  // namespace

Status Parser::refuse(Complaint complaint, const Node& at, Status status) {
  trouble_ = {};
  trouble_.complaint = complaint;
  trouble_.at = at.at;
  trouble_.is_in_rules = is_in_rules_;
  trouble_.found = {at.source.data(), std::min(at.source.size(), kFoundMax)};
  trouble_.rules = {rules_.data(), rules_count_};
  return status;
}

Status Parser::refuse_named(Complaint complaint, const Node& at, std::string_view name) {
  const Status status = refuse(complaint, at);
  trouble_.name = name;
  trouble_.found = {};
  return status;
}

Result<const Node*> Parser::read(std::string_view text) {
  if (text.size() > kQueryBytesMax) {
    trouble_ = {};
    trouble_.complaint = Complaint::too_long;
    trouble_.is_in_rules = is_in_rules_;
    return Status::too_large;
  }
  const std::string_view kept = arena_.keep(text);
  if (kept.size() != text.size()) return no_room(Node{});
  const Result<const Node*> root = edn::read(kept, arena_, trouble_);
  if (!root.ok()) trouble_.is_in_rules = is_in_rules_;
  return root;
}

Status Parser::put_section(const Node& key, Forms forms, Sections& sections) {
  struct {
    std::string_view name;
    const Node** key;
    Forms* forms;
  } const parts[] = {
      {"find", &sections.find, &sections.find_forms},
      {"with", &sections.with, &sections.with_forms},
      {"in", &sections.in, &sections.in_forms},
      {"where", &sections.where, &sections.where_forms},
      {"order-by", &sections.order, &sections.order_forms},
      {"limit", &sections.limit, &sections.limit_forms},
      {"offset", &sections.offset, &sections.offset_forms},
  };
  for (const auto& known : parts) {
    if (!key.is_keyword(known.name)) continue;
    if (*known.key != nullptr) return refuse(Complaint::section_twice, key);
    *known.key = &key;
    *known.forms = forms;
    return Status::ok;
  }
  return refuse_named(Complaint::section_unknown, key, key.text);
}

// `[:find ?e :where ...]`, or `{:find [?e] :where [...]}`.
Status Parser::read_sections(const Node& root, Sections& sections) {
  const Forms items = root.items();
  if (root.is(Kind::map)) {
    for (auto at = items.begin(); at != items.end(); ++at) {
      const Node& key = *at;
      const Node& value = *++at;
      const bool is_list = value.is(Kind::vector) || value.is(Kind::list);
      GRID_TRY(put_section(key, is_list ? value.items() : Forms(&value, &value + value.size), sections));
    }
    return Status::ok;
  }
  if (!root.is(Kind::vector) && !root.is(Kind::list)) return refuse(Complaint::query_expected, root);
  const auto begins_section = [](const Node& node) {
    return node.is(Kind::keyword) && !node.is_keyword("asc") && !node.is_keyword("desc");
  };
  for (auto at = items.begin(); at != items.end();) {
    const Node& key = *at;
    if (!begins_section(key)) return refuse(Complaint::section_expected, key);
    const auto first = ++at;
    while (at != items.end() && !begins_section(*at)) ++at;
    GRID_TRY(put_section(key, Forms(&*first, &*at), sections));
  }
  return Status::ok;
}

Status Parser::count_variables(std::span<const Node> question, std::span<const Node> rules) {
  std::size_t count = 0;
  for (const std::span<const Node> nodes : {question, rules}) {
    count += static_cast<std::size_t>(std::count_if(nodes.begin(), nodes.end(), is_variable));
  }
  if (count == 0) return Status::ok;
  variables = arena_.make<std::string_view>(std::min(count, kVariablesMax));
  return variables.empty() ? no_room(question.front()) : Status::ok;
}

Status Parser::read_amount(const Node* key, Forms forms, std::uint64_t& amount) {
  if (key == nullptr) return Status::ok;
  if (forms.count() != 1 || !forms.front().is(Kind::integer) || forms.front().integer < 0) {
    const Node& at = forms.empty() ? *key : forms.front();
    const Status status = refuse(Complaint::amount_wrong, at);
    trouble_.name = key->text;
    return status;
  }
  amount = static_cast<std::uint64_t>(forms.front().integer);
  return Status::ok;
}

Status Parser::parse(std::string_view text, std::string_view rules) {
  const Result<const Node*> root = read(text);
  if (!root.ok()) return root.status();
  const Node* rules_root = nullptr;
  if (!rules.empty()) {
    is_in_rules_ = true;
    const Result<const Node*> form = read(rules);
    if (!form.ok()) return form.status();
    rules_root = *form;
    is_in_rules_ = false;
  }
  Sections sections;
  GRID_TRY(read_sections(**root, sections));
  if (sections.find == nullptr) return refuse(Complaint::find_missing, **root);
  GRID_TRY(count_variables({*root, (*root)->size}, {rules_root, rules_root == nullptr ? 0 : rules_root->size}));
  GRID_TRY(read_inputs(sections.in_forms, rules_root != nullptr));
  GRID_TRY(read_find(sections.find_forms, *sections.find));
  GRID_TRY(read_with(sections.with_forms));
  GRID_TRY(read_order(sections.order_forms));
  GRID_TRY(read_amount(sections.limit, sections.limit_forms, query.limit));
  GRID_TRY(read_amount(sections.offset, sections.offset_forms, query.offset));
  GRID_TRY(declare_all(sections.where_forms, top_));
  if (sections.where != nullptr && sections.where_forms.empty())
    return refuse(Complaint::section_empty, *sections.where);
  const Node& where = sections.where == nullptr ? **root : *sections.where;
  if (add_body(sections.where_forms, top_, where, &query.where) == nullptr) return no_room(where);
  GRID_TRY(read_rules(rules_root));
  GRID_TRY(read_bodies());
  query.variables = variables.first(variables_count_);
  query.rules = rules_.first(rules_count_);
  return analyse(*this, arena_, trouble_);
}

Result<std::int32_t> Parser::rules_input(std::string_view text) {
  const Result<const Node*> root = read(text);
  if (!root.ok()) return root.status();
  Sections sections;
  GRID_TRY(read_sections(**root, sections));
  std::int32_t index = 0;
  for (const Node& input : sections.in_forms) {
    if (input.is_symbol("%")) return index;
    if (!is_source(input)) ++index;
  }
  return -1;
}

Result<Query> parse(std::string_view text, std::string_view rules, Arena& arena, Trouble& trouble) {
  trouble = {};
  Parser parser(arena, trouble);
  GRID_TRY(parser.parse(text, rules));
  return parser.query;
}

Result<std::int32_t> rules_input(std::string_view text, Arena& arena, Trouble& trouble) {
  trouble = {};
  return Parser(arena, trouble).rules_input(text);
}

Result<const Pull*> parse_pull(std::string_view text, Arena& arena, Trouble& trouble) {
  trouble = {};
  Parser parser(arena, trouble);
  const Result<const Node*> root = parser.read(text);
  if (!root.ok()) return root.status();
  return parser.parse_pull(**root);
}

}  // namespace grid::datalog
