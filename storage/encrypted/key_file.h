// SPDX-License-Identifier: Apache-2.0
//
// A key in a file, or in a credential that systemd hands to a service.
//
// Place     Above key.h. Knows files and their modes.
// Promises  What it read is wiped from memory, but for the key. No sentence has a byte of a key in it.
#pragma once

#include <string>

#include "storage/encrypted/key.h"

namespace grid::storage {

// `from` is a path, or credential:NAME for the file NAME in $CREDENTIALS_DIRECTORY.
//   not_found  There is no such file, or no such credential.
//   denied     It can't be read by this user, or can be by everybody, or changed by others: whoever is on this machine
//              may have the key already.
//   invalid    No regular file, or what it holds is no key.
//   io
Result<Key> read_key(const std::string& from, std::string& problem);

}  // namespace grid::storage
