// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_pull.h"

#include <algorithm>

namespace grid::runtime {

namespace {

// The key of no entity. Its scope holds nothing; while it stands, what no scope has is let go of.
constexpr std::string_view kNobody = "\"";
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

Status FactPull::begin(const std::vector<std::string>* known) {
  if (!asked_.has_value() || known == nullptr || known->size() > kEntitiesMax) return hold_attributes();
  if (asked_->text.empty() || ask() == Status::ok) {
    if (hold(*known) == Status::ok) return Status::ok;
    end();
  }
  return hold_attributes();
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

bool FactPull::settled(std::string_view key) {
  if (ask_ == 0 || (!is_behind_ && held_.find(key) != held_.end())) return false;
  is_to_sweep_ = true;
  guest_.ask_again(ask_);
  return true;
}

// What comes is subscribed to before what goes is left. What the server does not name may be what it does not know of
// yet: that stays until it has answered in the knowledge of it.
bool FactPull::told(const std::vector<std::string>* keys) {
  is_behind_ = scopes_.has_pending();
  if (keys != nullptr && hold(*keys, !is_behind_) == Status::ok) {
    if (std::exchange(is_to_sweep_, false)) scopes_.sweep(map_);
    return true;
  }
  let_go_of_entities();
  if (hold_attributes() != Status::ok) return false;
  guest_.end(std::exchange(ask_, 0));
  return true;
}

Status FactPull::hold(std::vector<std::string> keys, bool and_no_others) {
  keys.insert(keys.end(), asked_->keys.begin(), asked_->keys.end());
  keys.emplace_back(kNobody);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) {
    if (held_.find(key) != held_.end()) continue;
    std::uint32_t id = 0;
    GRID_TRY(scopes_.pull(scope_of(key), id));
    held_.emplace(key, id);
  }
  if (!and_no_others) return Status::ok;
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
  is_to_sweep_ = false;
}

}  // namespace grid::runtime
