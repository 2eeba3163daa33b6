// SPDX-License-Identifier: Apache-2.0
//
// deadletter ls|show|retry|discard: the writes of this replica that did not get through.
#include <chrono>
#include <cstdio>

#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "runtime/grid/dead_letters.h"

namespace grid::cli {
namespace {

DeadLetters open(Session& session) {
  if (!session.keeps()) {
    throw Failure(Exit::usage, "dead letters lie in a replica on a disk: say --store DIR, or go without --target");
  }
  return DeadLetters(session.node());
}

DeadLetter find(const DeadLetters& letters, std::uint64_t id) {
  const Result<DeadLetter> letter = letters.find(id);
  if (!letter.ok()) throw Failure(Exit::not_found, "there is no dead letter " + std::to_string(id));
  return *letter;
}

Report report_of(const DeadLetter& letter) {
  Report report;
  report.count("id", letter.id).text("outcome", name_of(letter.outcome)).text("map", letter.map);
  report.text("key", letter.key);
  if (letter.value.exists()) {
    report.value("value", letter.value);
  } else {
    report.nothing("value");
  }
  report.text("reason", name_of(letter.reason)).text("sentence", letter.sentence);
  return report;
}

std::uint64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Exit deadletter_ls(const Context& context) {
  Session session(context);
  const DeadLetters letters = open(session);
  std::vector<Report> reports;
  for (crdt::Seq id = 0;;) {
    const Result<DeadLetter> letter = letters.next(id);
    if (letter.status() == Status::not_found) break;
    session.require(letter.status());
    reports.push_back(report_of(*letter));
    id = letter->id;
  }
  print_all(reports, context.format);
  if (letters.unkept_count() > 0) {
    const std::string count = std::to_string(letters.unkept_count());
    std::fprintf(stderr, "gridctl: %s more found no room in the list\n", count.c_str());
  }
  return Exit::ok;
}

Exit deadletter_show(const Context& context, const LetterOptions& options) {
  Session session(context);
  const DeadLetter letter = find(open(session), options.id);
  Report report = report_of(letter);
  report.text("stamp", stamp_text(letter.stamp));
  if (letter.with != 0) report.count("with", letter.with);
  report.print(context.format);
  return Exit::ok;
}

Exit deadletter_retry(const Context& context, const LetterOptions& options) {
  Session session(context);
  DeadLetters letters = open(session);
  const DeadLetter letter = find(letters, options.id);
  const std::string map(letter.map), key(letter.key);
  return finish_write(session, context, map, key, letters.retry(options.id, wall_ms()));
}

Exit deadletter_discard(const Context& context, const LetterOptions& options) {
  Session session(context);
  DeadLetters letters = open(session);
  find(letters, options.id);
  session.require(letters.discard(options.id));
  session.require(session.host().flush());
  return Exit::ok;
}

}  // namespace grid::cli
