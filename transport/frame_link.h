// SPDX-License-Identifier: Apache-2.0
//
// FrameLink: frames over a stream of bytes, as a function: bytes in, bytes out, frames in, frames out.
//
// Place     A contract of transport/, kept by websocket/ and stream/, so that a host of a chip can use either. Knows
//           frames as bytes; no I/O, no clock, no chance but what open() was given.
// Promises  What comes out depends on the bytes that came, never on how they were cut into pieces.
//           What the peer sends never stops the program: it ends the link, with status() and problem().
//           BND-1  One frame that is arriving and one that is on its way out, in memory that the caller lends; the peer
//                  can't make it more.
// Ownership Arguments are borrowed until return, a frame and outgoing() until the next call.
// Threads   None: the caller's.
//
// A host pumps it like this:
//
//     bytes = what the ByteLink reads
//     while ((arrival = link.receive(bytes)).kind != none)  step the machine with it
//     if the machine wants to write and room() is not empty  step it with `writable`, then send() what it encoded
//     while outgoing() is not empty and the ByteLink takes some of it  sent() that much
//     once is_over() and outgoing() is empty  read on until the peer hangs up, a second at most; close the ByteLink
//
// (TCP takes back what it has sent, a goodbye among it, when a connection is closed before all that came was read.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::transport {

struct Arrival {
  enum class Kind : std::uint8_t {
    none,    // All bytes were taken, and there is nothing to tell.
    opened,  // Frames may be sent. Comes again when the peer starts anew on a line: what was before is over.
    frame,   // frame
    missed,  // Frames that the peer sent before the next one never came whole. Only on a line that loses bytes.
    pong,    // The peer lives: the answer to ping().
    closed,  // The last word: status() and problem() say why. What is outgoing() may still be sent.
  };
  Kind kind = Kind::none;
  Bytes frame{};
};

class FrameLink {
 public:
  // Why a link is closed, as RFC 6455 numbers it.
  static constexpr std::uint16_t kNormal = 1'000;
  static constexpr std::uint16_t kGoingAway = 1'001;
  static constexpr std::uint16_t kProtocol = 1'002;
  static constexpr std::uint16_t kText = 1'003;
  static constexpr std::uint16_t kTooLarge = 1'009;

  // Takes from the front of `bytes` up to the first thing that there is to tell. Again, until the answer is `none`.
  virtual Arrival receive(Bytes& bytes) = 0;

  // What is to be written next; empty: nothing. Then how much of its front was.
  virtual Bytes outgoing() const = 0;
  virtual void sent(std::size_t size) = 0;

  // Where one frame may be encoded; empty while none is taken. Then the frame's size: it is framed where it stands.
  virtual MutBytes room() = 0;
  virtual void send(std::size_t size) = 0;

  // Asks the peer for a sign of life. On a line that is opening: asks again to open.
  virtual void ping() = 0;
  // Says goodbye behind what was sent. Frames that still come are dropped; `closed` comes when the peer has answered,
  // and a host need not wait for it.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  // The ByteLink is down: no byte will come or go any more.
  virtual void lost() = 0;

  virtual bool is_open() const = 0;
  // `closed` or lost() has been: the link is to be opened anew.
  virtual bool is_over() const = 0;
  // Why it is over; ok when that was asked for.
  virtual Status status() const = 0;
  // The same as a sentence, never null.
  virtual const char* problem() const = 0;

 protected:
  ~FrameLink() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::transport
