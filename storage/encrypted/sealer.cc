// SPDX-License-Identifier: Apache-2.0

#include "storage/encrypted/sealer.h"

#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>

#include "crdt/base/check.h"

namespace grid::storage {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kShortIdBytes = 4;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kSaltAt = 1 + kShortIdBytes;
constexpr std::size_t kNonceAt = kSaltAt + Sealer::kSaltBytes;
static_assert(kNonceAt + kNonceBytes == Sealer::kHeadBytes);

constexpr std::string_view kIdInfo = "grid store key id 1";
constexpr std::string_view kDataInfo = "grid store data 1";

// It fails for want of memory, or of SHA-256, only.
void hkdf(const Key& key, Bytes salt, Bytes info, MutBytes out) {
  const Bytes secret = key.bytes();
  const int error = mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), salt.data(), salt.size(), secret.data(),
                                 secret.size(), info.data(), info.size(), out.data(), out.size());
  GRID_CHECK(error == 0);
}

// What is authenticated beside the piece: where it belongs, and what its head says of version and key.
class Aside {
 public:
  Aside(Bytes head, Bytes place) : size_(kSaltAt + place.size()) {
    GRID_CHECK(place.size() <= Sealer::kPlaceBytesMax);
    copy(place, copy(head.first(kSaltAt), bytes_));
  }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return size_; }

 private:
  std::array<std::uint8_t, kSaltAt + Sealer::kPlaceBytesMax> bytes_;
  std::size_t size_;
};

}  // namespace

struct Sealer::Master {
  Key key;
  Id id;
};

struct Sealer::DataKey {
  DataKey() { mbedtls_gcm_init(&gcm); }
  ~DataKey() { mbedtls_gcm_free(&gcm); }
  DataKey(const DataKey&) = delete;
  DataKey& operator=(const DataKey&) = delete;

  const Master* master = nullptr;
  std::array<std::uint8_t, kSaltBytes> salt{};
  mbedtls_gcm_context gcm;
};

Sealer::Id Sealer::id_of(const Key& key, Bytes store_id) {
  Id id;
  hkdf(key, store_id, as_bytes(kIdInfo), id);
  return id;
}

Sealer::Sealer(const Key& key, const Key* old, Bytes store_id, Entropy entropy, std::uint64_t pieces_max)
    : entropy_(entropy), pieces_max_(pieces_max) {
  GRID_CHECK(store_id.size() == store_id_.size());
  copy(store_id, store_id_);
  masters_.push_back(std::make_unique<Master>(Master{key, id_of(key, store_id)}));
  if (old != nullptr) masters_.push_back(std::make_unique<Master>(Master{*old, id_of(*old, store_id)}));
}

Sealer::~Sealer() = default;

void Sealer::begin() {
  entropy_(salt_);
  pieces_left_ = pieces_max_;
}

void Sealer::seal(Bytes place, MutBytes piece) {
  GRID_CHECK(piece.size() >= kOverhead);
  if (pieces_left_ == 0) begin();
  --pieces_left_;
  const Master& master = *masters_.front();
  piece[0] = kVersion;
  copy(Bytes(master.id).first(kShortIdBytes), piece.subspan(1));
  copy(salt_, piece.subspan(kSaltAt));
  entropy_(piece.subspan(kNonceAt, kNonceBytes));
  const Aside aside(piece, place);
  const MutBytes inner = piece.subspan(kHeadBytes, piece.size() - kOverhead);
  const int error = mbedtls_gcm_crypt_and_tag(&data_key_of(master, salt_).gcm, MBEDTLS_GCM_ENCRYPT, inner.size(),
                                              piece.data() + kNonceAt, kNonceBytes, aside.data(), aside.size(),
                                              inner.data(), inner.data(), kTagBytes, piece.last(kTagBytes).data());
  GRID_CHECK(error == 0);
}

Status Sealer::open(Bytes place, Bytes piece, MutBytes plain) {
  if (piece.size() < kOverhead || piece[0] == 0) return Status::corrupt;
  if (piece[0] > kVersion) return Status::newer;
  GRID_CHECK(plain.size() == piece.size() - kOverhead);
  const Bytes id = piece.subspan(1, kShortIdBytes);
  const Master* master = nullptr;
  for (const auto& each : masters_) {
    if (master == nullptr && equal(id, Bytes(each->id).first(kShortIdBytes))) master = each.get();
  }
  if (master == nullptr) return Status::denied;
  const Aside aside(piece, place);
  const int error = mbedtls_gcm_auth_decrypt(
      &data_key_of(*master, piece.subspan(kSaltAt, kSaltBytes)).gcm, plain.size(), piece.data() + kNonceAt, kNonceBytes,
      aside.data(), aside.size(), piece.last(kTagBytes).data(), kTagBytes, piece.data() + kHeadBytes, plain.data());
  return error == 0 ? Status::ok : Status::corrupt;
}

bool Sealer::is_current(Bytes piece) const {
  return piece.size() >= kOverhead &&
         equal(piece.subspan(1, kShortIdBytes), Bytes(masters_.front()->id).first(kShortIdBytes));
}

Sealer::DataKey& Sealer::data_key_of(const Master& master, Bytes salt) {
  for (const auto& key : keys_) {
    if (key->master == &master && equal(key->salt, salt)) return *key;
  }
  return derive(master, salt);
}

Sealer::DataKey& Sealer::derive(const Master& master, Bytes salt) {
  auto made = std::make_unique<DataKey>();
  made->master = &master;
  copy(salt, made->salt);
  std::array<std::uint8_t, kDataInfo.size() + kSaltBytes> info;
  copy(store_id_, copy(as_bytes(kDataInfo), info));
  Key secret;
  hkdf(master.key, salt, info, secret.room());
  GRID_CHECK(mbedtls_gcm_setkey(&made->gcm, MBEDTLS_CIPHER_ID_AES, secret.bytes().data(), 8 * Key::kBytes) == 0);
  if (keys_.size() < kDataKeysMax) return *keys_.emplace_back(std::move(made));
  std::unique_ptr<DataKey>& place = keys_[next_++ % kDataKeysMax];
  place = std::move(made);
  return *place;
}

}  // namespace grid::storage
