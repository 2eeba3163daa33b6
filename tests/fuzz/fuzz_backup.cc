// SPDX-License-Identifier: Apache-2.0
//
// What a restore reads: any bytes; and frames that nobody wrote, their checksums made right, so that what lies behind
// them is reached.
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/hash.h"
#include "server/host/backup_file.h"
#include "server/host/files.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using server::BackupKind;
using server::BackupReader;
using server::File;

std::string number(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (; bytes > 0; --bytes, value >>= 8) text += static_cast<char>(value);
  return text;
}

std::string forged(test::Script& script) {
  std::string all = "gridbak" + number(0, 1) + number(1, 4);
  std::uint64_t sum = crdt::hash64(as_bytes(all));
  while (!script.done()) {
    const std::uint64_t kind = script.number(1);
    const Bytes payload = script.take(script.number(2));
    const std::string frame = number(kind, 4) + number(payload.size(), 4) + std::string(as_text(payload));
    sum = crdt::hash64(as_bytes(number(sum, 8) + frame));
    all += frame + number(sum, 8);
  }
  return all;
}

// What is taken to its end is written back the same.
void check(std::string bytes) {
  if (bytes.empty()) return;
  const File from(fmemopen(bytes.data(), bytes.size(), "rb")), to(std::tmpfile());
  BackupReader reader(from.get());
  server::BackupWriter writer(to.get());
  server::BackupHead head;
  if (reader.open(head) != Status::ok) return;
  Status status = writer.begin(head);
  for (bool is_over = false; !is_over;) {
    GRID_CHECK(status == Status::ok);
    const Result<BackupReader::Piece> piece = reader.next();
    if (!piece.ok()) {
      GRID_CHECK(!reader.problem().empty());
      return;
    }
    is_over = piece->kind == BackupKind::end;
    if (piece->kind == BackupKind::app) status = writer.begin_app(piece->app);
    if (piece->kind == BackupKind::data) status = writer.data(piece->data);
    if (piece->kind == BackupKind::app_end) status = writer.end_app();
  }
  GRID_CHECK(writer.end() == Status::ok);
  std::string again(static_cast<std::size_t>(std::ftell(to.get())), '\0');
  std::rewind(to.get());
  GRID_CHECK(std::fread(again.data(), 1, again.size(), to.get()) == again.size());
  GRID_CHECK(again == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::Script script({data, size});
  script.flip() ? check(forged(script)) : check(std::string(as_text(script.take(size))));
  return 0;
}
