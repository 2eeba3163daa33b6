// SPDX-License-Identifier: Apache-2.0
//
// UvHandle: a libuv handle that closes itself.
//
// Ownership libuv lets go of a handle only when the loop runs again after uv_close(): the handle lives on the heap, and
//           is freed by libuv's last word on it. Whoever owns a UvHandle runs the loop once more before it closes it.
#pragma once

#include <uv.h>

namespace grid::transport {

template <typename Handle>
class UvHandle {
 public:
  UvHandle() : handle_(new Handle{}) {}
  // Only once it has been initialised.
  ~UvHandle() {
    uv_close(any(), [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  Handle* get() const { return handle_; }
  uv_handle_t* any() const { return reinterpret_cast<uv_handle_t*>(handle_); }

 private:
  Handle* handle_;
};

}  // namespace grid::transport
