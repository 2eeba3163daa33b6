// SPDX-License-Identifier: Apache-2.0
//
// subs: what a store has subscribed to, how far it has come with each, and what its next link begins with; or of a
// server, what each of its links is subscribed to, and how far it is behind.
#include <filesystem>
#include <map>

#include "cli/gateway_look.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "ports/linux/disk_store.h"
#include "ports/linux/scope_fact.h"
#include "runtime/facts.h"

namespace grid::cli {
namespace {

constexpr const char* kKinds[] = {"everything", "map", "prefix", "key", "where", "facts", "entity"};

// By the scope's hash, as it stands in the facts' names.
struct Noted {
  std::string scope, cursor;
  bool heals = false;
};

template <typename Take>
void each_fact(storage::Store& store, std::string_view prefix, Take take) {
  for (std::string after;;) {
    const auto fact = store.next_fact(prefix, after);
    if (fact.status() == Status::not_found) return;
    if (!fact.ok()) throw Failure(Exit::failure, store.problem());
    after = fact->name;
    take(after.substr(prefix.size()), std::string(as_text(fact->bytes)));
  }
}

Report report_of(const std::string& hash, const Noted& noted) {
  Report report;
  const Result<Scope> scope = read_scope_fact(noted.scope);
  report.text("scope", scope.ok() ? kKinds[static_cast<std::size_t>(scope->kind)] : hash.c_str());
  report.text("map", scope.ok() ? scope->map : "").text("text", scope.ok() ? scope->text : "");
  // Epoch, position and hash of the scope, 8 bytes each (docs/SESSION.md).
  constexpr std::size_t kCursorBytes = 24;
  const bool has_cursor = noted.cursor.size() == kCursorBytes;
  const std::uint8_t* const bytes = as_bytes(noted.cursor).data();
  if (has_cursor) report.text("epoch", hex(load_be(bytes))).count("position", load_be(bytes + 8));
  if (!has_cursor) report.nothing("epoch").nothing("position");
  return report.text("next", noted.heals ? "heals" : has_cursor ? "resumes" : "compares");
}

// A name alone is a subscription that no frame had room for.
Report report_of(const crdt::Op& op) {
  Report report;
  report.text("subscription", op.cell.name.key);
  if (op.cell.is_tombstone()) return report;
  for (Value::Walk fields{Value(op.cell.value)}; fields.next();) report.value(fields.name(), fields.value());
  return report;
}

Exit subs_of_server(const Context& context) {
  GatewayLook look(context);
  std::vector<Report> reports;
  look.ask_all("subs", [&reports](const crdt::Op& op) { reports.push_back(report_of(op)); });
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace

Exit subs(const Context& context) {
  const std::string path = store_of(context);
  if (path.empty()) return subs_of_server(context);
  if (!std::filesystem::exists(path)) throw Failure(Exit::not_found, "there is no store at " + path);
  Status status = Status::ok;
  std::string problem;
  const auto disk = port::DiskStore::open(path, {context.key_file, context.old_key_file}, status, problem);
  if (disk == nullptr) throw Failure(Exit::failure, problem);
  std::map<std::string, Noted> all;
  each_fact(**disk, kScopeFact,
            [&](const std::string& hash, std::string bytes) { all[hash].scope = std::move(bytes); });
  each_fact(**disk, runtime::facts::kCursor,
            [&](const std::string& hash, std::string bytes) { all[hash].cursor = std::move(bytes); });
  each_fact(**disk, runtime::facts::kHeal,
            [&](const std::string& hash, const std::string&) { all[hash].heals = true; });
  std::vector<Report> reports;
  reports.reserve(all.size());
  for (const auto& [hash, noted] : all) reports.push_back(report_of(hash, noted));
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
