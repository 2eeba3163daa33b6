// SPDX-License-Identifier: Apache-2.0

#include "server/host/entity_desk.h"

#include <utility>
#include <vector>

#include "crdt/facts.h"

namespace grid::server {

using crdt::Value;

class EntityDesk::Question final : public FactAsker {
 public:
  Question(EntityDesk& desk, const EntityWork& work)
      : id(desk.facts_.take_place(*this)), desk_(desk), serial_(work.serial), ask_id_(work.id), limit_(work.limit) {}
  ~Question() { desk_.facts_.forget(id); }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  // The last call on it, where it ends.
  void refuse(Status status, std::string_view reason) {
    desk_.answer(serial_, {.id = ask_id_, .status = status, .reason = reason}, {});
    desk_.forget(serial_);
  }

  // Each word of a watch is all that has become of the answer since the one before.
  void told(FactWord&& word) override {
    if (word.status != Status::ok) return refuse(word.status, word.problem);
    bool is_other = !std::exchange(has_begun_, true);
    std::vector<Value> row;
    bool has_entered = false;
    for (std::size_t at = 0; word.rows.next(at, has_entered, row);) {
      for (const Value& entity : row) is_other = note(entity, has_entered) || is_other;
    }
    const bool are_too_many = keys_.size() > limit_;
    if (is_other) desk_.answer(serial_, {.id = ask_id_, .more = are_too_many}, keys_);
    if (are_too_many) return desk_.forget(serial_);
    desk_.facts_.more(id);
  }

  void quiet() override {}

  const FactQuestionId id;

 private:
  // Whether there is another entity now. What no entity goes by is none.
  bool note(const Value& entity, bool has_entered) {
    std::uint8_t room[kKeyBytesMax];
    const Result<std::string_view> key = crdt::key_of_id(entity, room);
    if (!key.ok()) return false;
    std::uint64_t& rows = keys_[std::string(*key)];
    if (has_entered) return rows++ == 0;
    if (--rows > 0) return false;
    keys_.erase(std::string(*key));
    return true;
  }

  EntityDesk& desk_;
  const std::uint64_t serial_;
  const std::uint32_t ask_id_;
  const std::uint32_t limit_;
  bool has_begun_ = false;
  std::map<std::string, std::uint64_t> keys_;  // Each with the number of rows that it stands in.
};

EntityDesk::EntityDesk(FactDesk& facts, Answer told, void* owner) : facts_(facts), told_(told), owner_(owner) {}
EntityDesk::~EntityDesk() = default;

void EntityDesk::take(EntityWork&& work) { work.map.empty() ? forget(work.serial) : begin(std::move(work)); }

void EntityDesk::begin(EntityWork&& work) {
  Question& question = *questions_.emplace(work.serial, std::make_unique<Question>(*this, work)).first->second;
  if (question.id == 0) return question.refuse(Status::full, "so many questions are asked already as there may be");
  std::string problem;
  FactAsk ask{
      .map = std::move(work.map), .text = std::move(work.question), .inputs = std::move(work.inputs), .is_watch = true};
  const Status status = facts_.ask(question.id, std::move(ask), problem);
  if (status != Status::ok) question.refuse(status, problem);
}

void EntityDesk::answer(std::uint64_t serial, const wire::EntitiesHead& head,
                        const std::map<std::string, std::uint64_t>& keys) {
  std::size_t bytes = wire::EntitiesReplyWriter::kHeadBytesMax;
  for (const auto& [key, rows] : keys) bytes += head.more ? 0 : key.size() + 4;
  std::vector<std::uint8_t> room(bytes);
  wire::EntitiesReplyWriter writer(head, room);
  for (const auto& [key, rows] : keys) {
    if (!head.more) writer.add(key);
  }
  told_(owner_, serial, writer.finish());
}

void EntityDesk::forget(std::uint64_t serial) { questions_.erase(serial); }

}  // namespace grid::server
