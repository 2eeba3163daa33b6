// SPDX-License-Identifier: Apache-2.0
//
// HTTP head: what libwebsockets has read of a request's head, as text.
//
// Place     Within transport/lws only.
#pragma once

#include <libwebsockets.h>

#include <string>
#include <string_view>

namespace grid::transport {

inline std::string header_of(lws* wsi, lws_token_indexes token) {
  const int size = lws_hdr_total_length(wsi, token);
  if (size <= 0) return {};
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, text.data(), size + 1, token);
  text.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  return text;
}

// What stands behind `Bearer ` in the header `authorization`, whose scheme is not case-sensitive (RFC 7235).
inline std::string_view bearer_in(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != kScheme[i]) return {};
  }
  authorization.remove_prefix(kScheme.size());
  while (!authorization.empty() && authorization.front() == ' ') authorization.remove_prefix(1);
  return authorization;
}

// A browser says of which site the page is that asks: one of another site asks behind the back of who sits there.
inline bool is_of_a_page(lws* wsi) {
  const std::string origin = header_of(wsi, WSI_TOKEN_ORIGIN);
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == std::string::npos || origin.substr(scheme + 3) != header_of(wsi, WSI_TOKEN_HOST);
}

}  // namespace grid::transport
