// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/disk_store.h"

#include "ports/port.h"
#include "storage/encrypted/key_file.h"

namespace grid::port {

using storage::EncryptedStore;
using storage::Key;

std::unique_ptr<DiskStore> DiskStore::open(const std::string& path, const StoreKeys& keys, Status& status,
                                           std::string& problem) {
  if (keys.key_file.empty() && !keys.old_key_file.empty()) {
    status = Status::invalid;
    problem = path + ": an old key file goes with a new one";
    return nullptr;
  }
  std::unique_ptr<DiskStore> opened(new DiskStore);
  storage::LmdbOptions options{.path = path};
  if (!keys.key_file.empty()) options.value_bytes_max += storage::kDecorationBytesMax;
  opened->lmdb_ = storage::LmdbStore::open(options, status, problem);
  if (opened->lmdb_ == nullptr) return nullptr;
  status = keys.key_file.empty() ? opened->check_plain(problem) : opened->open_encrypted(keys, problem);
  if (status == Status::ok) return opened;
  problem = path + ": " + problem;
  return nullptr;
}

Status DiskStore::check_plain(std::string& problem) {
  const Result<bool> is_encrypted = EncryptedStore::is_encrypted(*lmdb_);
  if (is_encrypted.ok() && !*is_encrypted) return Status::ok;
  problem = is_encrypted.ok() ? "this store is encrypted, and no key file was given" : lmdb_->problem();
  return is_encrypted.ok() ? Status::invalid : is_encrypted.status();
}

Status DiskStore::open_encrypted(const StoreKeys& keys, std::string& problem) {
  const Result<Key> key = storage::read_key(keys.key_file, problem);
  if (!key.ok()) return key.status();
  storage::EncryptedOptions options{.key = *key, .entropy = entropy};
  if (!keys.old_key_file.empty()) {
    const Result<Key> old_key = storage::read_key(keys.old_key_file, problem);
    if (!old_key.ok()) return old_key.status();
    options.old_key = *old_key;
  }
  Status status = Status::ok;
  encrypted_ = EncryptedStore::open(*lmdb_, options, status, problem);
  if (status != Status::ok) return status;
  status = rotate();
  if (status != Status::ok) problem = encrypted_->problem();
  return status;
}

Status DiskStore::rotate() {
  constexpr std::size_t kPiecesACommit = 4'096;
  while (encrypted_->is_rotating()) {
    const Status status = encrypted_->rotate(kPiecesACommit);
    if (status != Status::ok && status != Status::full) return status;
    GRID_TRY(encrypted_->commit());
  }
  return Status::ok;
}

}  // namespace grid::port
