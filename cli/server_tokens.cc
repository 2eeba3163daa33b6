// SPDX-License-Identifier: Apache-2.0
//
// server enroll, tokens, revoke, forget: which devices have a token of the gateway's own (docs/auth.md).
#include <cstdio>

#include "cli/print.h"
#include "cli/server_desk.h"
#include "crdt/value.h"
#include "ports/port.h"
#include "server/host/auth/enrolment.h"
#include "transport/json/date.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

server::AdminAnswer answer_offline(const std::string& data, const Value& question) {
  server::DeviceTokens tokens;
  const Status opened = tokens.open(server::DeviceTokens::file_in(data));
  if (opened != Status::ok) return server::AdminAnswer::refuse(opened, tokens.problem());
  std::string ended;
  return server::answer_enrolment(question, tokens, port::wall_ms(), ended);
}

std::string question_of(const char* verb, const std::string& name) {
  std::string question = std::string("{\"verb\":\"") + verb + "\"";
  if (!name.empty()) question += ",\"name\":", json::append_json_text(question, name);
  return question;
}

std::vector<std::string> ask(const EnrollOptions& options, const std::string& question) {
  return ask_server(data_or_default(options.data), question + "}", answer_offline);
}

Report report_of(const std::string& line) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(line, canonical, error) != Status::ok) {
    throw Failure(Exit::failure, "the gateway's answer is no JSON: " + error.sentence);
  }
  Report report;
  const Value record(as_bytes(canonical));
  report.value("name", record["name"]).value("roles", record["roles"]);
  for (const char* field : {"enrolled", "seen", "expires", "revoked"}) {
    std::string date;
    if (record[field].exists()) json::append_date(date, record[field].timestamp_or(0));
    date.empty() ? report.nothing(field) : report.text(field, date);
  }
  if (record["token"].exists()) report.value("token", record["token"]);
  return report;
}

}  // namespace

// The token alone, so that `> FILE` keeps what a device is to be given.
Exit server_enroll(const Context& context, const EnrollOptions& options) {
  std::string question = question_of("enroll", options.name) + ",\"roles\":[";
  for (const std::string& role : options.roles) {
    if (&role != &options.roles.front()) question += ',';
    json::append_json_text(question, role);
  }
  question += "],\"expires_ms\":" + std::to_string(options.expires_ms);
  if (options.renew) question += ",\"renew\":true";
  const std::vector<std::string> lines = ask(options, question);
  std::string canonical;
  json::JsonError error;
  if (lines.size() != 1 || json::value_from_json(lines.front(), canonical, error) != Status::ok) {
    throw Failure(Exit::failure, "the gateway's answer is not one enrolment");
  }
  const Value record(as_bytes(canonical));
  if (context.format == Format::json || context.format == Format::ndjson) {
    report_of(lines.front()).print(context.format);
  } else {
    print(std::string(record["token"].text_or({})) + "\n");
  }
  std::fprintf(stderr, "gridctl: this is the only time that the token of %s is shown\n", options.name.c_str());
  return Exit::ok;
}

Exit server_tokens(const Context& context, const EnrollOptions& options) {
  std::vector<Report> reports;
  for (const std::string& line : ask(options, question_of("tokens", {}))) reports.push_back(report_of(line));
  print_all(reports, context.format);
  return Exit::ok;
}

Exit server_revoke(const Context&, const EnrollOptions& options) {
  ask(options, question_of("revoke", options.name));
  return Exit::ok;
}

Exit server_forget(const Context&, const EnrollOptions& options) {
  ask(options, question_of("forget", options.name));
  return Exit::ok;
}

}  // namespace grid::cli
