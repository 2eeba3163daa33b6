// SPDX-License-Identifier: Apache-2.0
//
// facts check MAP --schema FILE: what is not as a schema says. Nothing is refused for it: replicas that don't know the
// schema write as they like.
#include <map>
#include <set>

#include "cli/fact_schema.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "runtime/grid/facts.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// "hut/" of "hut/name": what is required is so of entities with an attribute beside it.
std::string_view group_of(std::string_view attribute) {
  const std::size_t slash = attribute.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : attribute.substr(0, slash + 1);
}

class Check {
 public:
  explicit Check(const FactSchema& schema) : schema_(schema) {}

  void take(const std::string& entity, const std::multimap<std::string, std::string>& facts) {
    for (const Attribute& attribute : schema_.attributes()) {
      const std::string name(attribute.name);
      const auto [from, to] = facts.equal_range(name);
      if (from == to && attribute.is_required && is_of(group_of(name), facts)) {
        tell(entity, name, "missing", {});
      }
      for (auto at = from; at != to; ++at) look_at(attribute, entity, at->second);
      if (!attribute.is_many && from != to && std::next(from) != to) tell(entity, name, "more than one", {});
    }
  }

  const std::vector<Report>& found() const { return found_; }

 private:
  static bool is_of(std::string_view group, const std::multimap<std::string, std::string>& facts) {
    for (const auto& [name, object] : facts) {
      if (group_of(name) == group) return true;
    }
    return false;
  }

  void look_at(const Attribute& attribute, const std::string& entity, const std::string& object) {
    const Value value{as_bytes(object)};
    const std::string name(attribute.name);
    if (!is_of_kind(attribute.kind, value))
      tell(entity, name, std::string("is to be ") + name_of(attribute.kind), value);
    if (!attribute.is_unique) return;
    const auto [first, is_new] = owners_.emplace(std::pair(name, object), entity);
    if (!is_new) tell(entity, name, "not unique: " + first->second + " has it too", value);
  }

  void tell(const std::string& entity, const std::string& name, const std::string& what, const Value& object) {
    Report report;
    report.text("entity", entity).text("predicate", name).text("trouble", what);
    object.exists() ? report.value("object", object) : report.nothing("object");
    found_.push_back(report);
  }

  const FactSchema& schema_;
  std::map<std::pair<std::string, std::string>, std::string> owners_;  // By attribute and object.
  std::vector<Report> found_;
};

}  // namespace

Exit facts_check(const Context& context, const FactsOptions& options) {
  check_map(options.map);
  const FactSchemaFile file = read_fact_schema(options.schema);
  const FactSchema schema = file.schema();
  Session session(context);
  session.pull({ScopeKind::map, options.map, {}});
  const Facts facts(session.node(), options.map);
  std::vector<std::string> keys;
  session.require(facts.entities({}, [&keys](std::string_view key) { keys.emplace_back(key); }));
  Check check(schema);
  for (const std::string& key : keys) {
    std::multimap<std::string, std::string> known;
    session.require(facts.each(
        key, [&known](const Fact& fact) { known.emplace(fact.predicate, as_text(fact.object.canonical())); }));
    check.take(key, known);
  }
  print_all(check.found(), context.format);
  if (check.found().empty()) return Exit::ok;
  throw Failure(Exit::differs, options.map + ": " + counted(check.found().size(), "fact") + " not as the schema says");
}

}  // namespace grid::cli
