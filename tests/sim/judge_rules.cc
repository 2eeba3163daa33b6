// SPDX-License-Identifier: Apache-2.0
//
// The part of Judge that knows of what is configured for maps: what may be refused, what may stand, and what must be in
// the database.

#include <algorithm>

#include "runtime/scan.h"
#include "tests/sim/judge.h"
#include "tests/sim/rules.h"

namespace grid::sim {

void Judge::blame(Site& site, const char* complaint) {
  if (complaint != nullptr) fail(complaint, site.name.c_str());
}

// Only for what it is, or for what stands there.
void Judge::check_refusal(Site& site, const Write& write, Status status) {
  if (status == Status::too_large || status == Status::collected) return;
  const std::uint32_t ruling = std::get<0>(write.name) == "m" ? world_.options().ruling : 0;
  // One of a batch is refused for another.
  const bool is_batched = world_.options().seed % 16 == 4;
  const bool is_right = status == Status::conflict ? may_conflict(ruling)
                                                   : status == Status::invalid && is_forbidden(ruling, write.value);
  if (is_right || (ruling != 0 && is_batched)) return;
  fail("%s: a legal write of %s was refused: %s", site.name.c_str(), std::get<1>(write.name).c_str(),
       grid::name_of(status));
}

// P10: as long as nobody gives anything back. Of rows that somebody removes, or lets expire, the log does not tell all
// that stood.
void Judge::check_ruling(const Name& name, const Holding& next) {
  const std::uint32_t ruling = world_.options().ruling;
  if (ruling == 0 || gateway_forgot_ || world_.options().rules_late || std::get<0>(name) != "m") return;
  const auto found = arrived_.find(name);
  if (found == arrived_.end() || passing_.contains(name)) return;
  if (may_follow(ruling, found->second.value, next.value)) return;
  fail("against its rules the gateway lets another row of %s stand", std::get<1>(name).c_str());
}

void Judge::rest_rules() {
  const std::uint32_t ruling = world_.options().ruling;
  if (ruling == 0 || world_.options().rules_late) return;
  for (runtime::Scan scan({runtime::ScopeKind::map, "m", {}});;) {
    const Result<crdt::Op> op = scan.next(*world_.gateway().store);
    if (!op.ok()) return;
    if (!op->cell.is_live(world_.true_ms())) continue;
    const bool is_row = op->cell.name.sub.empty();
    if (is_row && !is_forbidden(ruling, as_text(op->cell.value))) continue;
    return fail("the gateway holds what it must refuse: %s", std::string(op->cell.name.key).c_str());
  }
}

// ACK-2
void Judge::see_in_database(const Site& site, const Sent& sent) {
  const server::CoordinatorOptions& server = world_.options().server;
  const auto maps = server.through_maps;
  if (!server.has_sink || std::find(maps.begin(), maps.end(), std::get<0>(sent.name)) == maps.end()) return;
  const auto& rows = world_.gateway().database.rows;
  const auto row = rows.find(sent.name);
  const bool is_there = row != rows.end() &&
                        !beats(sent.name, sent.holding, {row->second.stamp, row->second.expires_ms, row->second.value});
  if (is_there) return;
  fail("%s is told that %s is durable, and the database lacks it", site.name.c_str(), std::get<1>(sent.name).c_str());
}

}  // namespace grid::sim
