// SPDX-License-Identifier: Apache-2.0
//
// quiet_thread: a thread that no signal is delivered to: they are for the loop that watches them.
//
// Place     Lowest of server/host. Threads that it starts are as quiet.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace grid::server {

template <typename Work>
std::thread quiet_thread(Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace grid::server
