// SPDX-License-Identifier: Apache-2.0

#include "server/host/backup_file.h"

#include <cerrno>

#include "crdt/base/check.h"
#include "crdt/hash.h"
#include "server/host/app_name.h"

namespace grid::server {

namespace {

constexpr char kMagic[] = "gridbak";  // With its NUL.
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kOpeningBytes = 12;
constexpr std::size_t kSumBytes = 8;
constexpr std::size_t kFrameHeadBytes = 8;
constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kAppBytes = 16;  // And the name.
// A frame as it is summed: the checksum before it, its head, its payload, and behind them room for its own.
constexpr std::size_t kRoomBytes = kSumBytes + kFrameHeadBytes + BackupWriter::kDataBytesMax + kSumBytes;

void write_opening(std::uint8_t* to) {
  std::memcpy(to, kMagic, sizeof(kMagic));
  store_le<4>(kFormat, to + sizeof(kMagic));
}

}  // namespace

// ---- BackupWriter

BackupWriter::BackupWriter(std::FILE* file) : file_(file), room_(std::make_unique<std::uint8_t[]>(kRoomBytes)) {}

Status BackupWriter::begin(const BackupHead& head) {
  std::uint8_t opening[kOpeningBytes];
  write_opening(opening);
  checksum_ = crdt::hash64(opening);
  GRID_TRY(write(opening));
  std::uint8_t payload[kHeadBytes] = {};
  store_le(head.wall_ms, payload);
  store_le<4>(head.apps, payload + 8);
  return frame(BackupKind::head, payload);
}

Status BackupWriter::begin_app(const BackupApp& app) {
  GRID_CHECK(is_app_name(app.name));
  app_bytes_ = 0;
  std::uint8_t payload[kAppBytes + kMapBytesMax];
  store_le(app.head, payload);
  store_le(app.records, payload + 8);
  copy(as_bytes(app.name), MutBytes(payload).subspan(kAppBytes));
  return frame(BackupKind::app, Bytes(payload).first(kAppBytes + app.name.size()));
}

Status BackupWriter::data(Bytes bytes) {
  GRID_CHECK(!bytes.empty() && bytes.size() <= kDataBytesMax);
  app_bytes_ += bytes.size();
  bytes_ += bytes.size();
  return frame(BackupKind::data, bytes);
}

Status BackupWriter::end_app() {
  std::uint8_t payload[8];
  store_le(app_bytes_, payload);
  return frame(BackupKind::app_end, payload);
}

Status BackupWriter::end() {
  std::uint8_t payload[8];
  store_le(bytes_, payload);
  return frame(BackupKind::end, payload);
}

Status BackupWriter::frame(BackupKind kind, Bytes payload) {
  std::uint8_t* const head = room_.get() + kSumBytes;
  store_le(checksum_, room_.get());
  store_le<4>(static_cast<std::uint8_t>(kind), head);
  store_le<4>(payload.size(), head + 4);
  copy(payload, {head + kFrameHeadBytes, BackupWriter::kDataBytesMax});
  const std::size_t size = kFrameHeadBytes + payload.size();
  checksum_ = crdt::hash64({room_.get(), kSumBytes + size});
  store_le(checksum_, head + size);
  return write({head, size + kSumBytes});
}

Status BackupWriter::write(Bytes bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return Status::ok;
  error_ = errno;
  return Status::io;
}

// ---- BackupReader

BackupReader::BackupReader(std::FILE* file) : file_(file), room_(std::make_unique<std::uint8_t[]>(kRoomBytes)) {}

Status BackupReader::fail(const char* what) {
  problem_ = "the backup is damaged at byte " + std::to_string(at_) + ": " + what;
  return Status::corrupt;
}

Status BackupReader::take(std::uint8_t* to, std::size_t size) {
  const std::size_t got = std::fread(to, 1, size, file_);
  if (got == size) return Status::ok;
  if (std::ferror(file_) != 0) {
    problem_ = "the backup can't be read at byte " + std::to_string(at_ + got);
    return Status::io;
  }
  return fail("it is cut short there");
}

Status BackupReader::open(BackupHead& head) {
  std::uint8_t opening[kOpeningBytes] = {}, expected[kOpeningBytes];
  write_opening(expected);
  const std::size_t got = std::fread(opening, 1, sizeof(opening), file_);
  const auto format = static_cast<std::uint32_t>(load_le<4>(opening + sizeof(kMagic)));
  if (got != sizeof(opening) || std::memcmp(opening, kMagic, sizeof(kMagic)) != 0 || format == 0) {
    problem_ = "this is no backup of a gateway";
    return Status::invalid;
  }
  if (format > kFormat) {
    problem_ = "the backup has format " + std::to_string(format) + ", and this release knows formats up to " +
               std::to_string(kFormat) + ": restore it with a newer release";
    return Status::newer;
  }
  at_ = sizeof(opening);
  checksum_ = crdt::hash64(opening);
  BackupKind kind = BackupKind::end;
  Bytes payload;
  GRID_TRY(frame(kind, payload));
  if (kind != BackupKind::head || payload.size() != kHeadBytes || load_le<4>(payload.data() + 12) != 0) {
    return fail("it does not begin as a backup does");
  }
  head = {load_le(payload.data()), static_cast<std::uint32_t>(load_le<4>(payload.data() + 8))};
  apps_left_ = head.apps;
  return Status::ok;
}

Status BackupReader::frame(BackupKind& kind, Bytes& payload) {
  std::uint8_t* const head = room_.get() + kSumBytes;
  store_le(checksum_, room_.get());
  GRID_TRY(take(head, kFrameHeadBytes));
  const std::uint64_t number = load_le<4>(head);
  const std::size_t size = load_le<4>(head + 4);
  if (number == 0 || number > static_cast<std::uint8_t>(BackupKind::end)) return fail("there is no such part");
  if (size > BackupWriter::kDataBytesMax) return fail("a part is longer than any can be");
  GRID_TRY(take(head + kFrameHeadBytes, size + kSumBytes));
  checksum_ = crdt::hash64({room_.get(), kSumBytes + kFrameHeadBytes + size});
  if (load_le(head + kFrameHeadBytes + size) != checksum_) return fail("a checksum does not hold");
  at_ += kFrameHeadBytes + size + kSumBytes;
  kind = static_cast<BackupKind>(number);
  payload = {head + kFrameHeadBytes, size};
  return Status::ok;
}

Result<BackupReader::Piece> BackupReader::next() {
  BackupKind kind = BackupKind::end;
  Bytes payload;
  GRID_TRY(frame(kind, payload));
  switch (kind) {
    case BackupKind::app:
      return read_app(payload);
    case BackupKind::data:
      if (!is_in_app_ || payload.empty()) break;
      app_bytes_ += payload.size();
      bytes_ += payload.size();
      return Piece{.kind = kind, .data = payload};
    case BackupKind::app_end:
      if (!is_in_app_ || payload.size() != 8 || load_le(payload.data()) != app_bytes_) break;
      is_in_app_ = false;
      return Piece{.kind = kind};
    case BackupKind::end:
      return read_end(payload);
    default:
      break;
  }
  return fail("a part is where it does not belong");
}

// Apps come in the order of their names, so none comes twice.
Result<BackupReader::Piece> BackupReader::read_app(Bytes payload) {
  if (is_in_app_ || apps_left_ == 0 || payload.size() <= kAppBytes) return fail("an app is where none belongs");
  Piece piece{.kind = BackupKind::app};
  piece.app = {std::string(as_text(payload.subspan(kAppBytes))), load_le(payload.data()), load_le(payload.data() + 8)};
  if (!is_app_name(piece.app.name) || piece.app.name <= last_app_) return fail("an app has no name that it can have");
  last_app_ = piece.app.name;
  is_in_app_ = true;
  app_bytes_ = 0;
  --apps_left_;
  return piece;
}

Result<BackupReader::Piece> BackupReader::read_end(Bytes payload) {
  if (is_in_app_ || apps_left_ != 0 || payload.size() != 8 || load_le(payload.data()) != bytes_) {
    return fail("it ends before all is there");
  }
  if (std::fgetc(file_) != EOF) return fail("something is behind its end");
  return Piece{};
}

}  // namespace grid::server
