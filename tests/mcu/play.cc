// SPDX-License-Identifier: Apache-2.0

#include "tests/mcu/play.h"

namespace grid::mcu {

std::size_t play(Bytes transcript, runtime::Replica& replica, storage::Store& store, MutBytes room,
                 std::size_t& differs) {
  differs = 0;
  std::size_t count = 0;
  for (Step step; take_step(transcript, step);) {
    ++count;
    if (step.event.kind == Event::Kind::call) step.event.call = &step.call;
    if (step.room_bytes > 0) step.event.room = room.first(step.room_bytes);
    const std::span<const Action> actions = replica.step(step.event);
    if (answer_of(actions, room, step.event.call) != step.answer) {
      differs = count;
      return count;
    }
    for (const Action& action : actions) {
      if (action.kind != Action::Kind::commit) continue;
      if (store.flush() != Status::ok) return count;
      store.flushed();
    }
  }
  return count;
}

}  // namespace grid::mcu
