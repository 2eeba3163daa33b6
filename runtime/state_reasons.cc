// SPDX-License-Identifier: Apache-2.0
//
// The sentences of states. Apart from the names, so that a chip that prints no sentence holds none.

#include "runtime/replica_status.h"

namespace grid {

const char* sentence_of(StateReason reason) {
  constexpr const char* kSentences[] = {
      nullptr,
      "off the net: nobody asked this node to connect",
      "no link to the server came about: it is tried again; check the address, the network, and that the server runs",
      "the link to the server broke: it is tried again",
      "the server did not answer in time: it is tried again",
      "the server ended the session: it is tried again",
      "the server sent what makes no sense: it is tried again; check that a Grid server listens there",
      "the server does not let this device in: change the device's identity, or the server's rules for it",
      "the server speaks no protocol that this release knows: bring the older of the two up to date",
      "the store failed or is full: look at its medium, make room, and open the store again",
      "the store belongs to another app: open it with that app's name, or give this app a store of its own"};
  return kSentences[static_cast<std::uint8_t>(reason)];
}

}  // namespace grid
