// SPDX-License-Identifier: Apache-2.0
//
// ConfigDesk: tells what a running gateway goes by, and where each value comes from.
//
// Place     Below gateway.h, above config/config.h and admin_desk.h. Tells no secret: config::written() does not.
#pragma once

#include "server/host/admin_desk.h"
#include "server/host/config/config.h"

namespace grid::server {

// `started` is the configuration of its start, `now` of its last reload: of what is taken at a start only, the former
// counts, and the latter waits.
AdminAnswer tell_config(const config::Config& started, const config::Config& now);

}  // namespace grid::server
