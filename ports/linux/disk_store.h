// SPDX-License-Identifier: Apache-2.0
//
// DiskStore: the store in a directory, behind a key where there is one.
//
// Place     Above storage/lmdb and storage/encrypted; below whoever has a store on this machine: a device, a gateway's
//           app, gridctl.
// Promises  An encrypted store is never opened as a plain one, nor a plain one as encrypted.
// Ownership Owns both.
#pragma once

#include <memory>
#include <string>

#include "storage/encrypted/encrypted_store.h"
#include "storage/lmdb/lmdb_store.h"

namespace grid::port {

// Where keys are: paths, or credential:NAME (storage/encrypted/key_file.h). Empty: none.
struct StoreKeys {
  std::string key_file{};
  std::string old_key_file{};  // The one before, until all has been brought to `key_file`.
};

class DiskStore {
 public:
  // With an old key all is brought to the new one before this returns, a few thousand records a commit: whatever it is
  // cut off from, the next opening goes on. Null with `status` and `problem`, a sentence: as LmdbStore::open(),
  // EncryptedStore::open() and read_key(), and
  //   invalid  It is encrypted, and there is no key; or there is an old key and none else.
  static std::unique_ptr<DiskStore> open(const std::string& path, const StoreKeys& keys, Status& status,
                                         std::string& problem);

  storage::Store& operator*() { return encrypted_ == nullptr ? static_cast<storage::Store&>(*lmdb_) : *encrypted_; }
  storage::Store* operator->() { return &**this; }

 private:
  DiskStore() = default;
  Status check_plain(std::string& problem);
  Status open_encrypted(const storage::EncryptedOptions& options, std::string& problem);
  Status rotate();

  std::unique_ptr<storage::LmdbStore> lmdb_;
  std::unique_ptr<storage::EncryptedStore> encrypted_;
};

}  // namespace grid::port
