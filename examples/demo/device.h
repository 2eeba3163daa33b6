// SPDX-License-Identifier: Apache-2.0
//
// One device of the demo, as a process of its own: it samples this machine every second, writes, and reports.
//
// On stdin, a word a line:   offline, online, hold (write nothing), write (do so again), verify
// On stdout, a line each:    wrote MAP KEY STAMP HASH
//                            status STATE PENDING ROWS ROOT PUSHED PULLED SETTLED VERIFIED
#pragma once

#include <string>

namespace demo {

// Runs until stdin ends or SIGTERM; the exit code. It can be looked into at the Unix socket STORE.sock.
int run_device(const std::string& name, const std::string& store, const std::string& url);

}  // namespace demo
