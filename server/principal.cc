// SPDX-License-Identifier: Apache-2.0

#include "server/principal.h"

namespace grid::server {

using crdt::Value;

namespace {

std::string text_value(std::string_view text, bool in_list) {
  std::string room(text.size() + 32, '\0');
  crdt::ValueWriter writer({reinterpret_cast<std::uint8_t*>(room.data()), room.size()});
  if (in_list) writer.begin_list();
  writer.text(text);
  if (in_list) writer.end_list();
  const Result<Bytes> written = writer.finish();
  room.resize(written.ok() ? written->size() : 0);
  return room;
}

}  // namespace

Value claim_of(Bytes claims, const std::vector<std::string>& path) {
  Value at(claims);
  for (const std::string& name : path) at = at[name];
  return at;
}

Principal::Principal(std::string_view identity, Bytes claims) : claims_(claims) {
  add("user", Value(as_bytes(texts_.emplace_back(text_value(identity, false)))));
}

void Principal::add(std::string name, const Value& value) {
  parameters_.push_back({texts_.emplace_back(std::move(name)), value});
}

bool Principal::add(const std::vector<std::string>& path) {
  const Value value = claim_of(claims_, path);
  if (!value.exists() || value.kind() == crdt::ValueKind::null) return false;
  add("c" + std::to_string(parameters_.size() - 1), value);
  return true;
}

void Principal::add_sample(bool is_list) {
  const std::string name = "c" + std::to_string(parameters_.size() - 1);
  add(name, Value(as_bytes(texts_.emplace_back(text_value("x", is_list)))));
}

}  // namespace grid::server
