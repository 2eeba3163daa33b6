// SPDX-License-Identifier: Apache-2.0

#include "server/host/config/tree.h"

#define TOML_EXCEPTIONS 0
// The library asserts, and lets a release take for granted, what a damaged file may break: here it goes on, to the
// error behind that.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>

namespace grid::server::config {

namespace {

constexpr std::size_t kFileBytesMax = 1'048'576;

At place(const std::string& file, const toml::source_region& region) {
  return {file, static_cast<std::uint32_t>(region.begin.line), static_cast<std::uint32_t>(region.begin.column)};
}

Node::Kind kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return Node::Kind::text;
    case toml::node_type::integer:
      return Node::Kind::integer;
    case toml::node_type::floating_point:
      return Node::Kind::real;
    case toml::node_type::boolean:
      return Node::Kind::boolean;
    case toml::node_type::array:
      return Node::Kind::list;
    case toml::node_type::table:
      return Node::Kind::table;
    default:
      return Node::Kind::time;
  }
}

struct Reading {
  const toml::node* from;
  Node* into;
};

void read_one(const std::string& file, const Reading& one, std::vector<Reading>& open) {
  const toml::node& from = *one.from;
  Node& node = *one.into;
  node.kind = kind_of(from);
  node.at = place(file, from.source());
  if (from.is_string()) node.text = from.as_string()->get();
  if (from.is_integer()) node.integer = from.as_integer()->get();
  if (from.is_boolean()) node.truth = from.as_boolean()->get();
  // What is inside stays where it is: nothing is added behind this.
  std::size_t next = 0;
  if (from.is_array()) {
    node.items.resize(from.as_array()->size());
    for (const toml::node& item : *from.as_array()) open.push_back({&item, &node.items[next++]});
  }
  if (from.is_table()) {
    node.items.resize(from.as_table()->size());
    for (const auto& [key, value] : *from.as_table()) {
      Node& item = node.items[next++];
      item.name = key.str();
      item.named_at = place(file, key.source());
      open.push_back({&value, &item});
    }
  }
}

// How many characters must change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t changed = corner + (a[i - 1] == b[k - 1] ? 0 : 1);
      corner = std::exchange(row[k], std::min({changed, row[k] + 1, row[k - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::string At::text() const {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const Node* Node::find(std::string_view wanted) const {
  const auto found =
      std::find_if(items.begin(), items.end(), [wanted](const Node& item) { return item.name == wanted; });
  return found == items.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view wanted) { return const_cast<Node*>(std::as_const(*this).find(wanted)); }

std::string_view name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::text:
      return "text";
    case Node::Kind::integer:
      return "a whole number";
    case Node::Kind::real:
      return "a number with a point";
    case Node::Kind::boolean:
      return "true or false";
    case Node::Kind::time:
      return "a date or a time";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::table:
      return "a table";
  }
  return "";
}

Status refuse(const At& at, std::string_view sentence, std::string& problem) {
  problem = at.text().append(": ").append(sentence);
  return Status::invalid;
}

Status parse(const std::string& file, std::string_view text, Node& root, std::string& problem) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return refuse(place(file, parsed.error().source()), parsed.error().description(), problem);
  root = Node();
  std::vector<Reading> open{{&parsed.table(), &root}};
  while (!open.empty()) {
    const Reading one = open.back();
    open.pop_back();
    read_one(file, one, open);
  }
  return Status::ok;
}

Status parse_file(const std::string& file, Node& root, std::string& problem) {
  std::ifstream from(file, std::ios::binary);
  std::ostringstream text;
  if (from.good() && from.peek() != std::ifstream::traits_type::eof()) text << from.rdbuf();
  const bool is_empty = from.eof() && text.str().empty();
  if ((!from.good() && !is_empty) || text.str().size() > kFileBytesMax) {
    problem = file + ": there is no such file, or it can't be read, or it is larger than a mebibyte";
    return Status::not_found;
  }
  return parse(file, text.str(), root, problem);
}

void lay_over(Node& under, const Node& over) {
  std::vector<std::pair<Node*, const Node*>> tables{{&under, &over}};
  while (!tables.empty()) {
    const auto [below, above] = tables.back();
    tables.pop_back();
    // New ones first: what is laid over then stays where it is.
    const std::size_t known = below->items.size();
    for (const Node& item : above->items) {
      if (below->find(item.name) == nullptr) below->items.push_back(item);
    }
    for (const Node& item : above->items) {
      Node* const there = below->find(item.name);
      if (there >= below->items.data() + known) continue;
      const bool are_tables = there->is(Node::Kind::table) && item.is(Node::Kind::table);
      if (are_tables) tables.emplace_back(there, &item);
      if (!are_tables) *there = item;
    }
  }
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  if (known.empty()) return {};
  const auto nearest = std::min_element(known.begin(), known.end(), [word](std::string_view a, std::string_view b) {
    return distance(word, a) < distance(word, b);
  });
  if (distance(word, *nearest) <= 3) return "; did you mean " + std::string(*nearest) + "?";
  std::string sentence = "; there ";
  sentence += known.size() == 1 ? "is " : "are ";
  for (std::size_t i = 0; i < known.size(); ++i) sentence.append(i == 0 ? "" : ", ").append(known[i]);
  return sentence;
}

}  // namespace grid::server::config
