// SPDX-License-Identifier: Apache-2.0
//
// What the configuration says of who may come, as the authenticator takes it.
//
// Place     Between config/settings.h and auth/authenticator.h.
#pragma once

#include "server/host/auth/authenticator.h"
#include "server/host/config/settings.h"

namespace grid::server {

inline AuthOptions auth_options(const config::AuthSettings& settings) {
  return {.device_tokens = settings.device_tokens,
          .default_roles = settings.default_roles,
          .jwt = {.keys = settings.jwt_keys,
                  .rules = {.issuer = settings.jwt_issuer,
                            .audience = settings.jwt_audience,
                            .leeway_s = settings.jwt_leeway.ms / 1'000,
                            .roles_claim = settings.jwt_roles_claim}},
          .certificates = settings.certificate_subjects};
}

}  // namespace grid::server
