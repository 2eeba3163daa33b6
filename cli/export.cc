// SPDX-License-Identifier: Apache-2.0
//
// export MAP: the whole map as NDJSON in key order, the same bytes wherever the same rows, sets, counters
// and facts are.
#include <algorithm>

#include "cli/image.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "runtime/grid/facts.h"
#include "runtime/grid/views.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// In the order of their texts, which tells nothing of who added what when.
void print_set(Session& session, const OrMap& map, const std::string& key, RowPrinter& printer) {
  std::vector<std::pair<std::string, std::string>> values;
  session.require(map.values(key, [&values](const Value& value) {
    values.emplace_back(json::json_from_value(value), as_text(value.canonical()));
  }));
  std::sort(values.begin(), values.end());
  for (const auto& [text, value] : values) printer.row(key, Value(as_bytes(value)), crdt::View::or_map);
}

void print_counter(const CounterMap& map, const std::string& key, RowPrinter& printer) {
  std::uint8_t room[16];
  crdt::ValueWriter writer(room);
  writer.integer(map.value(key));
  const Result<Bytes> sum = writer.finish();
  printer.row(key, Value(*sum), crdt::View::counter);
}

// In the order of their texts: subs sort by the length of the predicate.
void print_facts(Session& session, const Facts& facts, const std::string& entity, RowPrinter& printer) {
  struct Kept {
    std::string predicate, json, object;
    bool is_many;
    auto operator<=>(const Kept&) const = default;
  };
  std::vector<Kept> all;
  session.require(facts.each(entity, [&all](const Fact& fact) {
    all.push_back({std::string(fact.predicate), json::json_from_value(fact.object),
                   std::string(as_text(fact.object.canonical())), fact.is_many});
  }));
  std::sort(all.begin(), all.end());
  for (const Kept& one : all) {
    printer.fact(entity, {one.predicate, Value(as_bytes(one.object)), one.is_many, {}});
  }
}

// Each key of each view once; the cells of one lie together.
void print_all_views(Session& session, const std::string& map, RowPrinter& printer) {
  const OrMap sets(session.node(), map);
  const CounterMap counters(session.node(), map);
  const Facts facts(session.node(), map);
  std::string key, sub;
  for (crdt::View last = crdt::View::unknown;;) {
    const Result<crdt::Op> op = session.node().driver().next_cell({map, key, sub});
    if (op.status() == Status::not_found || (op.ok() && op->cell.name.map != map)) return;
    session.require(op.status());
    const crdt::View view = crdt::view_of(op->cell.name.sub);
    const bool is_next = op->cell.name.key != key || view != last;
    key = op->cell.name.key;
    sub = op->cell.name.sub;
    last = view;
    if (!is_next) continue;
    if (view == crdt::View::lww_map) printer.row(key, Value(op->cell.value));
    if (view == crdt::View::or_map) print_set(session, sets, key, printer);
    if (view == crdt::View::counter) print_counter(counters, key, printer);
    if (view == crdt::View::facts) print_facts(session, facts, key, printer);
  }
}

}  // namespace

Exit export_map(const Context& context, const ListOptions& options) {
  check_map(options.map);
  // A file is for a machine to read, on a terminal too.
  RowPrinter printer(context.format == Format::automatic ? Format::ndjson : context.format);
  if (is_image(context)) {
    Image(context).scan(options.map, {}, [&](std::string_view key, const Value& value) { printer.row(key, value); });
    printer.finish();
    return Exit::ok;
  }
  Session session(context);
  session.pull({ScopeKind::map, options.map, {}});
  print_all_views(session, options.map, printer);
  printer.finish();
  return Exit::ok;
}

}  // namespace grid::cli
