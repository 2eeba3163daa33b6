// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/verdict.h"

#include <algorithm>

#include "crdt/cell.h"

namespace grid::server {

bool is_principal_name(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  if (name.empty() || name.size() > kPrincipalNameBytesMax || name.front() == ' ' || name.back() == ' ') return false;
  return std::none_of(name.begin(), name.end(), is_control) && crdt::is_utf8(name);
}

bool is_role(std::string_view role) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == ':' || c == '-';
  };
  return !role.empty() && role.size() <= kRoleBytesMax && std::all_of(role.begin(), role.end(), is_letter);
}

}  // namespace grid::server
