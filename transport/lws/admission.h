// SPDX-License-Identifier: Apache-2.0
//
// Admission: what a peer shows of itself before it is let in, and what its owner answers.
//
// Place     Below link_listener.h and http_listener.h. Judges nothing: it carries what the connection has proven
//           (address, certificate) and what the peer claims (token) to who can judge it.
// Ownership Views are borrowed until return.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace grid::transport {

// Who is at the other end, as far as the connection shows it.
struct Caller {
  std::string_view address{};  // The IP address, without the port.
  std::string_view bearer{};   // The token of `Authorization: Bearer TOKEN`, not looked into; empty: none.
  // What it asked for, with the port, as it stands in the request; empty: it does not say, or asks for a link and is no
  // page of a browser.
  std::string_view host{};
  std::string_view subject{};  // Of the client certificate that the TLS handshake has verified; empty: none.
};

// A peer that asks for a WebSocket link.
struct LinkRequest {
  std::string_view path;
  Caller caller{};
};

inline constexpr std::uint16_t kAdmitted = 101;
inline constexpr std::uint16_t kUnauthorized = 401;
inline constexpr std::uint16_t kForbidden = 403;
inline constexpr std::uint16_t kNotFound = 404;
inline constexpr std::uint16_t kTooMany = 429;
inline constexpr std::uint16_t kUnavailable = 503;

// The answer. What is not kAdmitted gets no link, but `status` and `sentence` as plain text.
struct Admission {
  std::uint16_t status = kAdmitted;
  std::string identity{};              // The proven principal; empty without authentication.
  std::vector<std::uint8_t> claims{};  // What else was proven of it, as its owner writes it.
  std::string sentence{};              // For people; says nothing that a stranger must not know.
};

}  // namespace grid::transport
