// SPDX-License-Identifier: Apache-2.0
//
// Enrolment: the verbs by which devices get and lose their tokens, as questions and answers of the admin socket.
//
// Place     Above device_tokens.h and admin_desk.h. The gateway answers by it while it runs; gridctl
//           does, on the same file, while no gateway does.
// Threads   None.
//
//   {"verb":"enroll","name":NAME,"roles":[...],"expires_ms":N,"renew":true}   a line with the token, once
//   {"verb":"tokens"}                                                         a line for each enrolment
//   {"verb":"revoke","name":NAME}   {"verb":"forget","name":NAME}
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/value.h"
#include "server/host/admin_desk.h"
#include "server/host/auth/device_tokens.h"

namespace grid::server {

// Whether it is one of these verbs.
bool is_enrolment(std::string_view verb);

// `ended` is whoever has lost the token that it had: revoked, forgotten or renewed. Empty: nobody.
// `expires_ms` of a question counts from `wall_ms`; 0: this machine does not know the time.
AdminAnswer answer_enrolment(const crdt::Value& question, DeviceTokens& tokens, std::uint64_t wall_ms,
                             std::string& ended);

}  // namespace grid::server
