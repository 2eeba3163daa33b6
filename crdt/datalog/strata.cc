// SPDX-License-Identifier: Apache-2.0
//
// Strata: rules that call each other in a circle are one component, found as Tarjan does, with a stack of its own. A
// component is complete when all that it calls is, so its stratum is known at once.

#include <algorithm>

#include "crdt/datalog/analysis.h"

namespace grid::datalog {
namespace {

struct Edge {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  bool is_negative = false;
  const Body* body = nullptr;
  Place at{};
};

struct Vertex {
  std::uint32_t first = 0;  // Of its edges.
  std::uint32_t end = 0;
  std::uint32_t next = 0;
  std::uint32_t order = 0;  // From 1; 0: not met yet.
  std::uint32_t low = 0;
  std::uint16_t component = 0;  // From 1; 0: not complete yet.
};

bool is_negated(const Body* body) {
  for (; body->outer != nullptr; body = body->outer) {
    if (body->outer->clauses[body->owner].kind == Clause::Kind::negation) return true;
  }
  return false;
}

class Strata {
 public:
  Strata(std::span<Rule> rules, Trouble& trouble) : rules_(rules), trouble_(trouble) {}

  Status prepare(Body* first_body, Arena& arena);
  void find_components();
  Status check() const;

 private:
  void visit(std::uint16_t root);
  void complete(std::uint16_t rule);

  std::span<Rule> rules_;
  Trouble& trouble_;
  std::span<Edge> edges_;
  std::span<Vertex> vertices_;
  std::span<std::uint16_t> stack_;  // Met, and in no component yet.
  std::span<std::uint16_t> path_;   // From the root to where we are.
  std::size_t stacked_ = 0;
  std::uint32_t met_ = 0;
  std::uint16_t components_ = 0;
};

Status Strata::prepare(Body* first_body, Arena& arena) {
  std::size_t count = 0;
  const auto each_call = [first_body](auto visit) {
    for (const Body* body = first_body; body != nullptr; body = body->next) {
      if (body->rule < 0) continue;
      for (const Clause& clause : body->clauses) {
        if (clause.kind == Clause::Kind::rule) visit(*body, clause);
      }
    }
  };
  each_call([&](const Body&, const Clause&) { ++count; });
  edges_ = arena.make<Edge>(count);
  vertices_ = arena.make<Vertex>(rules_.size());
  stack_ = arena.make<std::uint16_t>(rules_.size());
  path_ = arena.make<std::uint16_t>(rules_.size());
  if (edges_.size() != count || vertices_.empty() || stack_.empty() || path_.empty()) {
    trouble_ = {};
    trouble_.complaint = Complaint::no_room;
    return Status::full;
  }
  std::size_t made = 0;
  each_call([&](const Body& body, const Clause& clause) {
    edges_[made++] = {static_cast<std::uint16_t>(body.rule), clause.rule, is_negated(&body), &body, clause.at};
  });
  std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) { return a.from < b.from; });
  for (std::uint32_t i = 0; i < edges_.size(); ++i) {
    Vertex& vertex = vertices_[edges_[i].from];
    if (vertex.end == 0) vertex.first = i;
    vertex.end = i + 1;
  }
  for (Vertex& vertex : vertices_) vertex.next = vertex.first;
  return Status::ok;
}

// All of the stack from `rule` on is one component. Strata of what it calls outside are known.
void Strata::complete(std::uint16_t rule) {
  ++components_;
  std::size_t first = stacked_;
  do vertices_[stack_[--first]].component = components_;
  while (stack_[first] != rule);
  std::uint16_t stratum = 0;
  bool is_recursive = stacked_ - first > 1;
  for (std::size_t i = first; i < stacked_; ++i) {
    const Vertex& vertex = vertices_[stack_[i]];
    for (const Edge& edge : edges_.subspan(vertex.first, vertex.end - vertex.first)) {
      const bool is_inside = vertices_[edge.to].component == components_;
      is_recursive = is_recursive || is_inside;
      if (is_inside) continue;
      stratum =
          std::max<std::uint16_t>(stratum, static_cast<std::uint16_t>(rules_[edge.to].stratum + edge.is_negative));
    }
  }
  for (std::size_t i = first; i < stacked_; ++i) {
    rules_[stack_[i]].stratum = stratum;
    rules_[stack_[i]].is_recursive = is_recursive;
  }
  stacked_ = first;
}

void Strata::visit(std::uint16_t root) {
  std::size_t depth = 0;
  const auto enter = [&](std::uint16_t rule) {
    vertices_[rule].order = vertices_[rule].low = ++met_;
    stack_[stacked_++] = rule;
    path_[depth++] = rule;
  };
  enter(root);
  while (depth > 0) {
    const std::uint16_t rule = path_[depth - 1];
    Vertex& vertex = vertices_[rule];
    if (vertex.next < vertex.end) {
      const std::uint16_t to = edges_[vertex.next++].to;
      if (vertices_[to].order == 0) {
        enter(to);
      } else if (vertices_[to].component == 0) {
        vertex.low = std::min(vertex.low, vertices_[to].order);
      }
      continue;
    }
    if (vertex.low == vertex.order) complete(rule);
    if (--depth > 0) {
      Vertex& caller = vertices_[path_[depth - 1]];
      caller.low = std::min(caller.low, vertex.low);
    }
  }
}

void Strata::find_components() {
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    if (vertices_[rule].order == 0) visit(static_cast<std::uint16_t>(rule));
  }
}

Status Strata::check() const {
  for (const Edge& edge : edges_) {
    if (!edge.is_negative || vertices_[edge.from].component != vertices_[edge.to].component) continue;
    trouble_ = {};
    trouble_.complaint = Complaint::negation_in_circle;
    trouble_.is_in_rules = true;
    trouble_.at = edge.at;
    trouble_.name = rules_[edge.to].name;
    return Status::invalid;
  }
  return Status::ok;
}

}  // namespace

Status stratify(std::span<Rule> rules, Body* first_body, Arena& arena, Trouble& trouble) {
  if (rules.empty()) return Status::ok;
  Strata strata(rules, trouble);
  GRID_TRY(strata.prepare(first_body, arena));
  strata.find_components();
  return strata.check();
}

}  // namespace grid::datalog
