// SPDX-License-Identifier: Apache-2.0
//
// Sealer: bytes to sealed bytes and back, AES-256-GCM under keys that are derived from a store's key.
//
// Place     Above key.h. Knows no store: whoever calls it says in `place` where a piece belongs, and a piece opens
//           there only.
// Promises  Two pieces are never sealed with one nonce under one key, but with a probability below 2^-32:
//             - Each sealer draws a salt of 128 bits, and HKDF-SHA256 makes of the store's key and of the salt the key
//               that it seals under. So a restored or copied image, and every start, has a key of its own.
//             - Each piece has a random nonce of 96 bits, drawn when it is sealed: a machine that was copied while it
//               ran, memory and all, draws others than its copy does.
//             - After kPiecesMax pieces another salt is drawn.
//           What was changed by a bit, cut, or moved to another place does not open.
// Ownership Owns its keys, and wipes them. Arguments are borrowed until return.
// Threads   One.
#pragma once

#include <memory>
#include <vector>

#include "storage/encrypted/key.h"

namespace grid::storage {

// docs/STORAGE.md has the bytes: version, key, salt, nonce; what is sealed; tag.
class Sealer {
 public:
  // Fills its argument with randomness that nobody can tell beforehand, such as port::entropy.
  using Entropy = void (*)(MutBytes);
  static constexpr std::size_t kIdBytes = 8;
  static constexpr std::size_t kSaltBytes = 16;
  static constexpr std::size_t kHeadBytes = 1 + 4 + kSaltBytes + 12;
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kOverhead = kHeadBytes + kTagBytes;
  static constexpr std::size_t kPlaceBytesMax = 32;
  static constexpr std::uint64_t kPiecesMax = std::uint64_t{1} << 32;  // What NIST SP 800-38D lets one key do.

  // What tells one key from another in the store of `store_id`, and tells nobody the key.
  using Id = std::array<std::uint8_t, kIdBytes>;
  static Id id_of(const Key& key, Bytes store_id);

  // Seals under `key`, and opens what was sealed under `key` or under `old`, if there is one.
  Sealer(const Key& key, const Key* old, Bytes store_id, Entropy entropy, std::uint64_t pieces_max = kPiecesMax);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // Seals what stands in `piece` behind kHeadBytes and before kTagBytes, where it stands.
  void seal(Bytes place, MutBytes piece);
  // Opens `piece` into `plain`, which is kOverhead shorter than it.
  //   newer    Of a version above ours.
  //   denied   Sealed under another key than those that are here.
  //   corrupt  Not what was sealed for `place`.
  Status open(Bytes place, Bytes piece, MutBytes plain);
  // Whether `piece` says that it was sealed under `key`, not under `old`.
  bool is_current(Bytes piece) const;

 private:
  struct Master;
  struct DataKey;

  static constexpr std::size_t kDataKeysMax = 64;  // Kept derived. Each start of a store's owner has one.

  DataKey& derive(const Master& master, Bytes salt);
  DataKey& data_key_of(const Master& master, Bytes salt);
  void begin();

  std::vector<std::unique_ptr<Master>> masters_;  // The first seals.
  std::array<std::uint8_t, kSaltBytes> store_id_{};
  Entropy entropy_;
  std::uint64_t pieces_max_;
  std::array<std::uint8_t, kSaltBytes> salt_{};  // Of what is sealed now.
  std::uint64_t pieces_left_ = 0;                // To be sealed with it.
  std::vector<std::unique_ptr<DataKey>> keys_;   // Derived lately.
  std::size_t next_ = 0;                         // Of them, to be replaced.
};

}  // namespace grid::storage
