// SPDX-License-Identifier: Apache-2.0
//
// oplog: the writes that a device still owes its server, oldest first.
#include "cli/image.h"
#include "cli/text.h"

namespace grid::cli {

Exit oplog(const Context& context) {
  if (!is_image(context)) {
    throw Failure(Exit::usage, "oplog looks into a device: say --target serial:DEVICE, unix:PATH or image:FILE");
  }
  Image image(context);
  const crdt::Seq shared = image.store().shared();
  std::vector<Report> reports;
  image.each_pending([&](const crdt::Op& op) {
    Report report;
    report.count("seq", op.seq).text("state", op.seq <= shared ? "sent" : "waiting");
    report.text("map", op.cell.name.map).text("key", op.cell.name.key);
    report.value("value", image.value_of(op)).text("stamp", stamp_text(op.cell.stamp));
    report.text("clock", crdt::name_of(op.quality));
    reports.push_back(std::move(report));
  });
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
