// SPDX-License-Identifier: Apache-2.0
//
// Board: all that a chip must lend to a node, beside panic() of crdt/base/check.h.
//
// Place     Below chip_loop.h. A port implements it once.
// Promises  Nothing blocks but wait(), and flash for as long as a sector's erase takes.
// Ownership What it hands out is its own, for as long as it lives itself.
// Threads   One: that of the loop. What comes from elsewhere (an interrupt, a network task) may end a wait().
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "ports/chip/server_address.h"
#include "storage/flash/nor_device.h"
#include "transport/byte_link.h"

namespace grid::port {

class Board {
 public:
  // Never goes back. May stand while the machine sleeps deeply.
  virtual std::uint64_t monotonic_ms() = 0;
  // Since 1970 UTC, or 0 while the machine does not know: the gateway will tell.
  virtual std::uint64_t wall_ms() = 0;
  // From the hardware's generator, never from a counter. Stops the machine if there is none.
  virtual void entropy(MutBytes out) = 0;

  // The partition of that name; null: there is none.
  virtual storage::NorDevice* flash(std::string_view store) = 0;

  // Begins to connect, and forgets the connection before. Until it is up, link() takes and gives nothing; once it has
  // failed, link() says io. With `server.tls`, link() carries plain bytes and nobody else's: whoever can't prove to be
  // `server.host` is refused before the first of them.
  //   invalid  This board can't connect there at all: no TLS, say.
  //   io       Not now.
  virtual Status connect(const ServerAddress& server) = 0;
  // The connection that connect() began last; not before that.
  virtual transport::ByteLink& link() = 0;
  // Why that failed, as a sentence. Never null; empty when there is nothing to say but that it is gone.
  virtual const char* link_problem() const = 0;

  // Rests until bytes may have come, or may go, or `ms_max` are over; sooner is well too. 0: moves bytes, and goes on.
  virtual void wait(std::uint64_t ms_max) = 0;

 protected:
  ~Board() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::port
