// SPDX-License-Identifier: Apache-2.0
//
// LinkListener: what a WebSocket link tells its owner. One frame of Grid is one binary WebSocket message.
//
// Place     The contract of transport/lws; knows frames as bytes, never a message.
// Ownership All arguments are borrowed until return. The listener outlives its links.
// Threads   One: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "crdt/base/bytes.h"
#include "transport/lws/admission.h"

namespace grid::transport {

using LinkId = std::uint32_t;  // Rises from 1, never used again by the same context.

// Every call back may make calls on the context, but not destroy it.
class LinkListener {
 public:
  // Whether a link may open at this path of a server, and whose it is. Who only connects admits nobody.
  virtual Admission admit(const LinkRequest&) { return {.status = kNotFound}; }
  // The link is up. Of a server, `identity` and `claims` are of its admission; else they are empty.
  virtual void on_open(LinkId link, std::string_view path, std::string_view identity, Bytes claims) = 0;
  // One whole frame has arrived.
  virtual void on_frame(LinkId link, Bytes frame) = 0;
  // The link takes a frame, after want_write(). The answer is its size, in the front of `room`, or nothing.
  virtual std::optional<std::size_t> on_writable(LinkId link, MutBytes room) = 0;
  // The server has answered this HTTP status to who asked for the link. on_close() follows.
  virtual void on_refused(LinkId, unsigned) {}
  // Somebody at `address` did not get as far as a link: who talks in another tongue, is too slow, or is one too many.
  virtual void on_stranger(std::string_view address, std::string_view trouble) {
    static_cast<void>(address), static_cast<void>(trouble);
  }
  // The last word on this link: it is down, or it never came up. `reason` is for people.
  virtual void on_close(LinkId link, std::string_view reason) = 0;

 protected:
  ~LinkListener() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::transport
