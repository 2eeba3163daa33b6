// SPDX-License-Identifier: Apache-2.0
//
// server config: what the gateway of a data directory goes by, and where each value comes from.
#include "cli/print.h"
#include "cli/server_desk.h"
#include "crdt/value.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

std::vector<std::string> ask(const std::string& data) {
  try {
    return ask_server(data, R"({"verb":"config"})", nullptr);
  } catch (const Failure& failure) {
    if (failure.exit() != Exit::unreachable) throw;
    throw Failure(Exit::unreachable,
                  std::string(failure.what()) + "; gridd --show-config shows what one would go by that is started now");
  }
}

}  // namespace

Exit server_config(const Context& context, const EnrollOptions& options) {
  std::vector<Report> reports;
  for (const std::string& line : ask(data_or_default(options.data))) {
    std::string canonical;
    json::JsonError error;
    if (json::value_from_json(line, canonical, error) != Status::ok) {
      throw Failure(Exit::failure, "the gateway's answer is no JSON: " + error.sentence);
    }
    const Value setting(as_bytes(canonical));
    Report& report = reports.emplace_back();
    report.value("key", setting["key"]).value("value", setting["value"]).value("origin", setting["origin"]);
    setting["waits"].exists() ? report.value("waits", setting["waits"]) : report.nothing("waits");
  }
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
