// SPDX-License-Identifier: Apache-2.0
//
// ByteLink: a stream of bytes that a port lends: a TCP or TLS connection, a serial line.
//
// Place     A contract of transport/. Ports implement it, their hosts pump it; the links of websocket/ and stream/
//           never see it: they take bytes and give bytes.
// Promises  Nothing blocks. Bytes of one direction keep their order. Over a connection none is lost or changed; a
//           serial line may lose and change any.
// Ownership Arguments are borrowed until return. Whoever opened the link destroys it.
// Threads   One: the host's.
#pragma once

#include <cstddef>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::transport {

class ByteLink {
 public:
  // Fills the front of `room` with what has come, and says how much that is; 0: nothing, for now.
  //   io  The link is down: the peer hung up, or the device failed. So it stays; what had come was read before.
  virtual Result<std::size_t> read(MutBytes room) = 0;
  // Takes as much of the front of `bytes` as it has room for, and says how much that is; 0: none, for now.
  //   io  The link is down. So it stays.
  virtual Result<std::size_t> write(Bytes bytes) = 0;
  // What was written goes out if it still can. Every later call answers io; to close twice does nothing.
  virtual void close() = 0;

 protected:
  ~ByteLink() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::transport
