// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/datalog.h"

namespace grid {

Status Datalog::subscribe(const DatalogQuestion& question) const {
  const Result<Scope> wanted = scope(question);
  if (!wanted.ok()) return wanted.status();
  runtime::Call call{.verb = runtime::Call::Verb::subscribe, .scope = *wanted};
  driver_->perform(call);
  return call.status;
}

}  // namespace grid
