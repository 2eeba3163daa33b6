// SPDX-License-Identifier: Apache-2.0
//
// facts import|ls|get|set|add|remove|delete: a map of entities made of facts.
#include "runtime/grid/facts.h"

#include <algorithm>
#include <map>

#include "cli/argument.h"
#include "cli/fact_rows.h"
#include "cli/fact_schema.h"
#include "cli/file.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// A commit to disk takes them together: more gain nothing, fewer cost time.
constexpr std::size_t kFactsPerCommit = 4'096;

void check_entity(const FactsOptions& options) {
  check_map(options.map);
  check_key(options.entity);
  if (crdt::check_entity(options.entity) == Status::ok) return;
  throw Failure(Exit::usage, "the id " + json_text(options.entity) +
                                 " is none: a text that begins with a double quote is a number in quotes, \"42\"");
}

void check_fact(const FactsOptions& options) {
  check_entity(options);
  if (crdt::check_predicate(options.predicate) == Status::ok) return;
  throw Failure(Exit::usage, "the predicate " + json_text(options.predicate) + " is empty, longer than " +
                                 std::to_string(crdt::kPredicateBytesMax) + " bytes, or has control characters");
}

// What is written is of what is known here and at the server.
Facts open(Session& session, const FactsOptions& options) {
  session.pull({ScopeKind::key, options.map, options.entity});
  return {session.node(), options.map};
}

// The id of the entity with this key, as JSON.
std::string json_id(std::string_view key) {
  std::uint8_t room[kKeyBytesMax + 8];
  const Result<Value> id = crdt::id_of_key(key, room);
  return id.ok() ? json::json_from_value(*id) : json_text(key);
}

// What is known of an entity, by predicate: its objects as JSON.
struct Objects {
  std::vector<std::string> all;
  bool is_many = false;

  std::string json() const {
    if (!is_many && all.size() == 1) return all.front();
    std::string text = "[";
    for (const std::string& one : all) text += (&one == all.data() ? "" : ",") + one;
    return text + "]";
  }
};
using Entity = std::map<std::string, Objects>;

Entity entity_of(Session& session, const Facts& facts, const FactsOptions& options) {
  Entity entity;
  session.require(facts.each(options.entity, [&entity](const Fact& fact) {
    Objects& objects = entity[std::string(fact.predicate)];
    objects.all.push_back(json::json_from_value(fact.object));
    objects.is_many = objects.is_many || fact.is_many;
  }));
  for (auto& [predicate, objects] : entity) std::sort(objects.all.begin(), objects.all.end());
  return entity;
}

void print_entity(const std::string& key, const Entity& entity, Format format) {
  if (resolved(format) == Format::table || resolved(format) == Format::raw) {
    std::vector<Report> reports;
    for (const auto& [predicate, objects] : entity) {
      reports.push_back(Report().text("predicate", predicate).text("object", objects.json()));
    }
    return print_all(reports, format);
  }
  std::string line = "{\"id\":" + json_id(key);
  for (const auto& [predicate, objects] : entity) line += "," + json_text(predicate) + ":" + objects.json();
  print(line + "}\n");
}

// The object that the command line gives, as the schema has it.
class Object {
 public:
  explicit Object(const FactsOptions& options) {
    if (options.json.empty()) return;
    const FactSchemaFile file = read_fact_schema(options.schema);
    given_ = value_argument(options.json, "the object");
    room_.resize(given_.size() + kKeyBytesMax + 64);
    value_ = file.schema().coerced(options.predicate, Value(as_bytes(given_)), room_);
    std::uint8_t number[16];
    if (crdt::object_of(value_, false, number).ok()) return;
    throw Failure(Exit::usage, std::string("a ") + crdt::name_of(value_.kind()) +
                                   " is no object: that is text, a number, a boolean, a date, bytes or a ref to an id");
  }
  const Value& value() const { return value_; }

 private:
  std::string given_;
  std::vector<std::uint8_t> room_;
  Value value_;
};

Exit finish(Session& session, const Context& context, const FactsOptions& options, const Facts& facts,
            const Write& write) {
  if (write.status() == Status::invalid && facts.is_deleted(options.entity)) {
    throw Failure(Exit::differs, session.host().problem());
  }
  if (write.status() == Status::not_found) {
    throw Failure(Exit::not_found, options.map + " has no such fact of " + options.entity);
  }
  return finish_write(session, context, options.map, options.entity, write);
}

// Facts of one entity that stand together in the file are written together.
Status write_rows(Facts& facts, const std::vector<FactRow>& rows, std::size_t& done) {
  std::vector<runtime::FactWrite> writes;
  std::size_t at = done;
  for (; at < rows.size() && writes.size() < runtime::kFactWritesMax; ++at) {
    const FactRow& row = rows[at];
    const bool is_other = row.entity != rows[done].entity || row.verb == FactRow::Verb::delete_entity;
    const bool is_again = std::any_of(writes.begin(), writes.end(), [&row](const runtime::FactWrite& write) {
      return write.predicate == row.predicate && (write.verb != FactRow::Verb::add || row.verb != FactRow::Verb::add ||
                                                  equal(write.object, as_bytes(row.object)));
    });
    if (!writes.empty() && (is_other || is_again || rows[done].verb == FactRow::Verb::delete_entity)) break;
    writes.push_back({row.entity, row.verb, row.predicate, as_bytes(row.object)});
  }
  const Status status = facts.transact(writes).status();
  // What is to be removed, and is not there, need not be.
  const bool is_nothing = status == Status::not_found && writes.size() == 1;
  if (status == Status::ok || is_nothing) done = at;
  return is_nothing ? Status::ok : status;
}

void write_all(Session& session, const std::string& map, const std::vector<FactRow>& rows) {
  Progress progress("importing");
  Facts facts(session.node(), map);
  for (std::size_t done = 0, flushed = 0; done < rows.size();) {
    Status status = write_rows(facts, rows, done);
    if (status == Status::ok && done - flushed >= kFactsPerCommit) {
      status = session.host().flush();
      flushed = done;
      progress.show(done, rows.size());
    }
    if (status == Status::ok) continue;
    throw Failure(done == 0 ? Exit::failure : Exit::partial, "stopped at line " + std::to_string(rows[done].line) +
                                                                 ", after " + counted(done, "fact") + ": " +
                                                                 session.host().problem());
  }
}

std::size_t entities_in(const std::vector<FactRow>& rows) {
  std::vector<std::string_view> keys;
  keys.reserve(rows.size());
  for (const FactRow& row : rows) keys.push_back(row.entity);
  std::sort(keys.begin(), keys.end());
  return static_cast<std::size_t>(std::unique(keys.begin(), keys.end()) - keys.begin());
}

// Two objects where there is one: who has no schema may have meant many.
void warn_of_overwritten(const std::vector<FactRow>& rows) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].verb != FactRow::Verb::set) continue;
    const auto [first, is_new] =
        seen.emplace(std::pair<std::string_view, std::string_view>(rows[i].entity, rows[i].predicate), i);
    if (is_new || rows[first->second].object == rows[i].object) continue;
    std::fprintf(stderr,
                 "gridctl: line %zu: %s of %s has another object on line %zu already, and only one: --schema says what "
                 "has many\n",
                 rows[i].line, rows[i].predicate.c_str(), rows[i].entity.c_str(), rows[first->second].line);
    return;
  }
}

}  // namespace

Exit facts_import(const Context& context, const FactsOptions& options) {
  check_map(options.map);
  const FactSchemaFile file = read_fact_schema(options.schema);
  const std::vector<FactRow> rows =
      read_facts(options.file == "-" ? "stdin" : options.file, read_file(options.file), file.schema());
  warn_of_overwritten(rows);
  Session session(context);
  write_all(session, options.map, rows);
  Progress progress("sending");
  const Outcome outcome = session.deliver_all([&](const ReplicaStatus& now) {
    progress.show(rows.size() - std::min<std::uint64_t>(now.ops_pending, rows.size()), rows.size());
  });
  if (context.format == Format::automatic) return Exit::ok;
  Report()
      .text("map", options.map)
      .count("facts", rows.size())
      .count("entities", entities_in(rows))
      .text("outcome", name_of(outcome))
      .print(context.format);
  return Exit::ok;
}

Exit facts_ls(const Context& context, const ListOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  Session session(context);
  session.pull({options.prefix.empty() ? ScopeKind::map : ScopeKind::prefix, options.map, options.prefix});
  const Facts facts(session.node(), options.map);
  std::vector<std::string> keys;
  session.require(facts.entities(options.prefix, [&keys](std::string_view key) { keys.emplace_back(key); }));
  std::vector<Report> reports;
  reports.reserve(keys.size());
  for (const std::string& key : keys) {
    std::uint64_t count = 0;
    session.require(facts.each(key, [&count](const Fact&) { ++count; }));
    std::uint8_t room[kKeyBytesMax + 8];
    const Result<Value> id = crdt::id_of_key(key, room);
    session.require(id.status());
    reports.push_back(Report().value("id", *id).count("facts", count));
  }
  print_all(reports, context.format);
  return Exit::ok;
}

Exit facts_get(const Context& context, const FactsOptions& options) {
  options.predicate.empty() ? check_entity(options) : check_fact(options);
  Session session(context);
  const Facts facts = open(session, options);
  const Entity entity = entity_of(session, facts, options);
  if (entity.empty()) {
    const bool is_deleted = facts.is_deleted(options.entity);
    throw Failure(Exit::not_found, options.map + (is_deleted ? " had an entity " : " has no entity ") + options.entity +
                                       (is_deleted ? ", which was deleted" : ""));
  }
  if (options.predicate.empty()) return print_entity(options.entity, entity, context.format), Exit::ok;
  const auto objects = entity.find(options.predicate);
  if (objects == entity.end()) throw Failure(Exit::not_found, options.entity + " has no " + options.predicate);
  print(objects->second.json() + "\n");
  return Exit::ok;
}

Exit facts_set(const Context& context, const FactsOptions& options) {
  check_fact(options);
  const Object object(options);
  Session session(context);
  Facts facts = open(session, options);
  return finish(session, context, options, facts,
                facts.set(options.entity, options.predicate, object.value(), options.ttl_ms));
}

Exit facts_add(const Context& context, const FactsOptions& options) {
  check_fact(options);
  const Object object(options);
  Session session(context);
  Facts facts = open(session, options);
  return finish(session, context, options, facts,
                facts.add(options.entity, options.predicate, object.value(), options.ttl_ms));
}

Exit facts_remove(const Context& context, const FactsOptions& options) {
  check_fact(options);
  const Object object(options);
  Session session(context);
  Facts facts = open(session, options);
  const bool is_all = !object.value().exists();
  return finish(session, context, options, facts,
                is_all ? facts.remove_all(options.entity, options.predicate)
                       : facts.remove(options.entity, options.predicate, object.value()));
}

Exit facts_delete(const Context& context, const FactsOptions& options) {
  check_entity(options);
  Session session(context);
  Facts facts = open(session, options);
  return finish(session, context, options, facts, facts.delete_entity(options.entity));
}

}  // namespace grid::cli
