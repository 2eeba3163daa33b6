// SPDX-License-Identifier: Apache-2.0
//
// BareTlsHost: BareHost that speaks `wss://` too. What applications include beside grid/grid.h.
//
// Place     Top of ports/bare, beside bare.h. Only who includes it pays for it (docs/decisions/0014).
// Promises  As ChipHost's. With `wss://` a gateway gets no byte before it has proven to be the host in `server`. While
//           the device does not know the time, which is so until a gateway has told it, no dates are checked.
// Ownership Large, `kTlsBytes` and 0.9 KB more than a BareHost: a static object.
#pragma once

#include "ports/bare/tls_board.h"
#include "ports/chip/grid/chip.h"

namespace grid {

struct BareTlsOptions {
  // All by reference: literals, as a rule.
  std::string_view app = "default";   // The tenant: an app sees nothing of another.
  std::string_view store{};           // The path of the image.
  std::string_view server{};          // ws://HOST:PORT, or wss://NAME:PORT: what the certificate must say. Empty: none.
  const char* certificate = nullptr;  // PEM of the authority behind wss; null or empty: nobody is trusted.
  std::size_t certificate_bytes = 0;  // Of one in DER; 0: it is PEM.
  std::string_view address{};         // IPv4 of the server, as nobody is asked for names here. Empty: HOST is one.
  bool offline = false;               // Starts off the net; node->online() goes on.
  bool salvage = false;               // Opens what is left of a damaged store.
  OnFull on_full = OnFull::refuse;    // What a write finds at Limits::pending_ops_max unsent ones.
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
};

template <std::size_t kBytes>
struct TlsMemory {
  alignas(std::max_align_t) std::uint8_t bytes[kBytes];
};

// A handshake takes 11.8 KB of `kTlsBytes` with one small certificate; each further one takes its size and 0.4 KB.
// Memory comes first, then the board: who comes later borrows it from its construction on.
template <const Limits& kLimits, std::uint32_t kCellsMax = 256, std::size_t kTlsBytes = 16 * 1024>
class BareTlsHost : private TlsMemory<kTlsBytes>,
                    private bare::TlsBoard,
                    public ChipHost<kLimits, kCellsMax, bare::BareBoard::kSectors> {
  using Host = ChipHost<kLimits, kCellsMax, bare::BareBoard::kSectors>;

 public:
  BareTlsHost() : bare::TlsBoard(TlsMemory<kTlsBytes>::bytes), Host(static_cast<bare::TlsBoard&>(*this)) {
    attach(&Host::loop());
  }

  // As ChipHost::open().
  //   invalid  Or the certificate can't be read.
  Node* open(const BareTlsOptions& options) {
    if (!Host::loop().is_open()) {
      trusted_ = trust(options.certificate, options.certificate_bytes);
      if (trusted_ != Status::ok) Host::loop().complain(trust_problem());
      if (trusted_ != Status::ok) return nullptr;
      find_at(options.address);
    }
    return Host::open({.app = options.app,
                       .store = options.store,
                       .server = options.server,
                       .offline = options.offline,
                       .salvage = options.salvage,
                       .on_full = options.on_full,
                       .backoff_ms_min = options.backoff_ms_min,
                       .backoff_ms_max = options.backoff_ms_max});
  }
  // The most of `kTlsBytes` that was ever in use. All of it: it may not have been enough, and a good certificate may
  // have been taken for a stranger's.
  using bare::TlsBoard::tls_bytes_most;
  Status status() const { return trusted_ != Status::ok ? trusted_ : Host::status(); }

 private:
  Status trusted_ = Status::ok;
};

}  // namespace grid
