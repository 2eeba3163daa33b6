// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_pull.h"

#include <algorithm>

namespace grid::runtime {

namespace {

constexpr std::size_t kHeadBytes = 16;  // Of a list, and of an item beside what it holds.

std::vector<std::uint8_t> listed(std::span<const crdt::Value> values) {
  std::size_t bytes = kHeadBytes;
  for (const crdt::Value& value : values) bytes += value.canonical().size() + kHeadBytes;
  std::vector<std::uint8_t> room(bytes);
  crdt::ValueWriter writer(room);
  writer.begin_list();
  for (const crdt::Value& value : values) writer.copy_of(value);
  writer.end_list();
  const Result<Bytes> list = writer.finish();
  room.resize(list.ok() && !values.empty() ? list->size() : 0);
  return room;
}

}  // namespace

FactPull::FactPull(Scopes& scopes, EntityGuest& guest, std::string_view map, const FactQuestion& question)
    : scopes_(scopes),
      guest_(guest),
      map_(map),
      inputs_(listed(question.inputs())),
      attributes_(question.attributes()),
      asked_(EntityQuestion::of(question)) {}

Status FactPull::begin(const std::vector<std::string>& known) {
  if (!asked_.has_value()) return hold_attributes();
  if (asked_->text.empty()) return hold({});
  const Status asked = ask();
  if (asked != Status::ok) return hold_attributes();
  return known.size() > kEntitiesMax ? Status::ok : hold(known);
}

Status FactPull::ask() {
  const wire::EntitiesAsk ask{
      .map = map_, .question = asked_->text, .inputs = inputs_, .limit = static_cast<std::uint32_t>(kEntitiesMax)};
  return guest_.ask(ask, *this, ask_);
}

void FactPull::end() {
  if (ask_ != 0) guest_.end(std::exchange(ask_, 0));
  let_go_of_entities();
  std::string text;
  if (of_attributes_ != 0) scopes_.release(std::exchange(of_attributes_, 0), attributes_.scope(map_, text));
}

// What comes is subscribed to before what goes is left.
void FactPull::told(const std::vector<std::string>* keys) {
  if (keys != nullptr && hold(*keys) == Status::ok) return;
  if (keys != nullptr) guest_.end(ask_);
  ask_ = 0;
  // Where there is no room for that either, what is held is kept.
  if (hold_attributes() == Status::ok) let_go_of_entities();
}

// Of entities that no answer stands on any more one is held until another comes: with none, nobody would let go of the
// others, whose facts are not kept current.
Status FactPull::hold(std::vector<std::string> keys) {
  if (keys.empty() && !held_.empty()) keys.push_back(held_.begin()->first);
  keys.insert(keys.end(), asked_->keys.begin(), asked_->keys.end());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) {
    if (held_.count(key) != 0) continue;
    std::uint32_t id = 0;
    GRID_TRY(scopes_.pull(scope_of(key), id));
    held_.emplace(key, id);
  }
  std::erase_if(held_, [&](const auto& one) {
    const bool stays = std::binary_search(keys.begin(), keys.end(), one.first);
    if (!stays) scopes_.release(one.second, scope_of(one.first));
    return !stays;
  });
  return Status::ok;
}

Status FactPull::hold_attributes() {
  std::string text;
  return of_attributes_ != 0 ? Status::ok : scopes_.pull(attributes_.scope(map_, text), of_attributes_);
}

void FactPull::let_go_of_entities() {
  for (const auto& [key, id] : std::exchange(held_, {})) scopes_.release(id, scope_of(key));
}

}  // namespace grid::runtime
