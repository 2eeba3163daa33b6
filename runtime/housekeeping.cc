// SPDX-License-Identifier: Apache-2.0

#include "runtime/housekeeping.h"

namespace grid::runtime {

Status Housekeeping::advance(const Wards& wards) {
  const Status status = retention_.advance(wards);
  has_work_ = status == Status::ok && retention_.has_work();
  if (status != Status::ok && status != Status::full) return status;
  const Status told = expiry_.advance(wards);
  return told == Status::ok ? status : told;
}

}  // namespace grid::runtime
