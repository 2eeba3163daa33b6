// SPDX-License-Identifier: Apache-2.0
//
// server devices: which devices a gateway remembers, when each was there last, how far it is behind, and whether
// deletions are kept for it.
#include "cli/gateway_look.h"
#include "cli/print.h"
#include "cli/verbs.h"

namespace grid::cli {

Exit server_devices(const Context& context) {
  std::vector<Report> reports;
  GatewayLook look(context);
  look.ask_all("devices", [&reports](const crdt::Op& op) {
    Report& report = reports.emplace_back();
    report.text("node", op.cell.name.key);
    if (op.cell.is_tombstone()) return;
    for (Value::Walk fields{Value(op.cell.value)}; fields.next();) report.value(fields.name(), fields.value());
  });
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
