// SPDX-License-Identifier: Apache-2.0
//
// status on an image: what the device held and owed, and how worn its flash is.
#include "cli/image.h"
#include "cli/text.h"
#include "runtime/facts.h"

namespace grid::cli {
namespace {

void add_facts(Report& report, storage::Store& store) {
  namespace facts = runtime::facts;
  const Result<Bytes> app = store.fact(facts::kApp);
  app.ok() ? report.text("app", as_text(*app)) : report.nothing("app");
  const Result<std::uint64_t> node = runtime::number_fact(store, facts::kNode);
  node.ok() ? report.text("node", hex(*node)) : report.nothing("node");
  const Result<Bytes> clock = store.fact(facts::kClock);
  const bool has_clock = clock.ok() && clock->size() == crdt::ClockState::kBytes;
  has_clock ? report.text("clock_ceiling", stamp_text(crdt::ClockState::read(clock->data()).ceiling))
            : report.nothing("clock_ceiling");
}

}  // namespace

Exit status_of_image(const Context& context) {
  Image image(context);
  storage::FlashStore& store = image.store();
  const Wear wear = wear_of(image);
  std::uint64_t pending = 0;
  image.each_pending([&pending](const crdt::Op&) { ++pending; });
  Report report;
  report.text("image", image.file()).count("format", storage::flash::Label::kFormat);
  add_facts(report, store);
  report.count("cells", store.cell_count()).count("ops_pending", pending).count("head", store.head());
  report.count("shared", store.shared()).count("settled", store.settled());
  report.count("live_bytes", store.live_bytes()).count("live_bytes_max", store.live_bytes_max());
  report.count("sectors", wear.sectors).count("sector_bytes", image.log().sector_bytes());
  report.count("sectors_free", wear.free).count("sectors_retired", wear.retired);
  report.count("erases_min", wear.erases_min).decimal("erases_mean", wear.erases_mean);
  report.count("erases_max", wear.erases_max).print(context.format);
  return Exit::ok;
}

}  // namespace grid::cli
