// SPDX-License-Identifier: Apache-2.0
//
// EntityDesk: asks the desk of facts what a coordinator's devices want to know: on which entities answers stand.
//
// Place     Between fact_desk.h and entity_asks.h, below app_host.h. Knows rows of entities, no link.
// Promises  What stands is told whole, and again when it is another. BND-1  Of a question it holds as many entities as
//           were asked for; with one more it is over.
// Ownership Borrows the desk and the owner.
// Threads   One: the loop's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/entity_asks.h"
#include "server/host/fact_desk.h"

namespace grid::server {

class EntityDesk {
 public:
  // `frame` answers the question `serial`; it stands until the call returns.
  using Answer = void (*)(void* owner, std::uint64_t serial, Bytes frame);

  EntityDesk(FactDesk& facts, Answer told, void* owner);
  ~EntityDesk();
  EntityDesk(const EntityDesk&) = delete;
  EntityDesk& operator=(const EntityDesk&) = delete;

  void take(EntityWork&& work);

 private:
  class Question;

  void begin(EntityWork&& work);
  void answer(std::uint64_t serial, const wire::EntitiesHead& head, const std::map<std::string, std::uint64_t>& keys);
  void forget(std::uint64_t serial);

  FactDesk& facts_;
  Answer told_;
  void* owner_;
  std::map<std::uint64_t, std::unique_ptr<Question>> questions_;
};

}  // namespace grid::server
