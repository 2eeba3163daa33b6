// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/disk_store.h"

#include "ports/port.h"
#include "storage/encrypted/key_file.h"

namespace grid::port {

using storage::EncryptedStore;
using storage::Key;

namespace {

Status read_keys(const StoreKeys& keys, storage::EncryptedOptions& options, std::string& problem) {
  if (keys.key_file.empty() && keys.old_key_file.empty()) return Status::ok;
  if (keys.key_file.empty()) {
    problem = "an old key file goes with a new one";
    return Status::invalid;
  }
  const Result<Key> key = storage::read_key(keys.key_file, problem);
  if (!key.ok()) return key.status();
  options.key = *key;
  if (keys.old_key_file.empty()) return Status::ok;
  const Result<Key> old_key = storage::read_key(keys.old_key_file, problem);
  if (old_key.ok()) options.old_key = *old_key;
  return old_key.status();
}

}  // namespace

// Keys first: without them nothing is made.
std::unique_ptr<DiskStore> DiskStore::open(const std::string& path, const StoreKeys& keys, Status& status,
                                           std::string& problem) {
  const bool has_key = !keys.key_file.empty();
  storage::EncryptedOptions sealing{.entropy = entropy};
  status = read_keys(keys, sealing, problem);
  if (status != Status::ok) {
    problem = path + ": " + problem;
    return nullptr;
  }
  std::unique_ptr<DiskStore> opened(new DiskStore);
  storage::LmdbOptions options{.path = path};
  if (has_key) options.value_bytes_max += storage::kDecorationBytesMax;
  opened->lmdb_ = storage::LmdbStore::open(options, status, problem);
  if (opened->lmdb_ == nullptr) return nullptr;
  status = has_key ? opened->open_encrypted(sealing, problem) : opened->check_plain(problem);
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

Status DiskStore::open_encrypted(const storage::EncryptedOptions& options, std::string& problem) {
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
