// SPDX-License-Identifier: Apache-2.0
//
// Bell: wakes a loop from another thread. Rings that come close together are one.
//
// Place     Lowest of server/host, beside quiet_thread.h.
// Threads   ring(): any. The rest, and who is rung: the loop's.
#pragma once

#include <uv.h>

#include "transport/lws/uv_handle.h"

namespace grid::server {

class Bell {
 public:
  using Rung = void (*)(void* owner);

  Bell(uv_loop_t* loop, Rung rung, void* owner) : rung_(rung), owner_(owner) {
    wake_.get()->data = this;
    uv_async_init(loop, wake_.get(), [](uv_async_t* wake) {
      const Bell& self = *static_cast<Bell*>(wake->data);
      self.rung_(self.owner_);
    });
  }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // From any thread, as long as this is there.
  void ring() const { uv_async_send(wake_.get()); }

 private:
  transport::UvHandle<uv_async_t> wake_;
  Rung rung_;
  void* owner_;
};

}  // namespace grid::server
