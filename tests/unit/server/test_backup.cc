// SPDX-License-Identifier: Apache-2.0
//
// Backups: the bytes of the file, whatever is done to them; and a store copied by its bytes.

#include <unistd.h>

#include <filesystem>
#include <vector>

#include "server/host/app_name.h"
#include "server/host/backup.h"
#include "server/host/files.h"
#include "storage/lmdb/lmdb_snapshot.h"
#include "storage/lmdb/lmdb_store.h"
#include "tests/check.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using server::BackupHead;
using server::BackupKind;
using server::BackupReader;
using server::BackupWriter;
using server::File;

std::vector<std::uint8_t> bytes_of(std::FILE* file) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::ftell(file)));
  std::rewind(file);
  assert_int_equal(std::fread(bytes.data(), 1, bytes.size(), file), bytes.size());
  return bytes;
}

std::vector<std::uint8_t> sample() {
  const File file(std::tmpfile());
  BackupWriter writer(file.get());
  assert_ok(writer.begin({1'795'000'000'000, 2}));
  assert_ok(writer.begin_app({"default", 42, 7}));
  assert_ok(writer.data(as_bytes("the first piece")));
  assert_ok(writer.data(as_bytes("and another")));
  assert_ok(writer.end_app());
  assert_ok(writer.begin_app({"farm", 0, 0}));
  assert_ok(writer.end_app());
  assert_ok(writer.end());
  assert_int_equal(writer.bytes(), 26);
  return bytes_of(file.get());
}

// What reading it to its end comes to.
Status read_all(Bytes bytes, std::string& text) {
  const File file(std::tmpfile());
  std::fwrite(bytes.data(), 1, bytes.size(), file.get());
  std::rewind(file.get());
  BackupReader reader(file.get());
  BackupHead head;
  GRID_TRY(reader.open(head));
  text = std::to_string(head.wall_ms) + " " + std::to_string(head.apps);
  for (;;) {
    const Result<BackupReader::Piece> piece = reader.next();
    if (!piece.ok()) return piece.status();
    if (piece->kind == BackupKind::end) return Status::ok;
    if (piece->kind == BackupKind::app_end) text += " .";
    if (piece->kind == BackupKind::data) text.append(" ").append(as_text(piece->data));
    if (piece->kind != BackupKind::app) continue;
    text += " " + piece->app.name + ":" + std::to_string(piece->app.head) + "/" + std::to_string(piece->app.records);
  }
}

void what_is_written_is_read_back(void**) {
  std::string text;
  assert_ok(read_all(sample(), text));
  assert_string_equal(text.c_str(), "1795000000000 2 default:42/7 the first piece and another . farm:0/0 .");
}

// Pinned for ever: a backup is read by later releases.
void the_bytes_are_those_of_the_format(void**) {
  const File file(std::tmpfile());
  BackupWriter writer(file.get());
  assert_ok(writer.begin({0x0102030405060708, 1}));
  assert_ok(writer.begin_app({"a", 2, 1}));
  assert_ok(writer.data(as_bytes("xyz")));
  assert_ok(writer.end_app());
  assert_ok(writer.end());
  std::string hex;
  for (const std::uint8_t byte : bytes_of(file.get())) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", byte);
    hex += two;
  }
  assert_string_equal(
      hex.c_str(),
      "6772696462616b00010000000100000010000000080706050403020101000000000000004a82fde252dc062e020000001100000002000000"
      "0000000001000000000000006160459c1b0aca4586030000000300000078797abed6543c43a8820a04000000080000000300000000000000"
      "2b8cfed76e00d81405000000080000000300000000000000cbbdec37bbc271cd");
}

void a_backup_with_any_byte_changed_is_not_read_to_its_end(void**) {
  const std::vector<std::uint8_t> whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x80U}) {
      std::vector<std::uint8_t> changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
      std::string text;
      assert_true(read_all(changed, text) != Status::ok);
    }
  }
}

void a_backup_that_is_cut_or_goes_on_is_corrupt(void**) {
  const std::vector<std::uint8_t> whole = sample();
  std::string text;
  for (std::size_t size = 12; size < whole.size(); ++size) {
    assert_status(read_all(Bytes(whole).first(size), text), Status::corrupt);
  }
  std::vector<std::uint8_t> longer = whole;
  longer.push_back(0);
  assert_status(read_all(longer, text), Status::corrupt);
}

// Names that would be folders elsewhere, and apps that are there twice.
void apps_have_names_of_their_own(void**) {
  for (const char* name : {".", "..", "", "a/b", "a b"}) assert_false(server::is_app_name(name));
  for (const char* name : {"default", "...", "a.b", "_"}) assert_true(server::is_app_name(name));
  const File file(std::tmpfile());
  BackupWriter writer(file.get());
  assert_ok(writer.begin({1, 2}));
  for (int i = 0; i < 2; ++i) {
    assert_ok(writer.begin_app({"farm", 0, 0}));
    assert_ok(writer.end_app());
  }
  assert_ok(writer.end());
  std::string text;
  assert_status(read_all(bytes_of(file.get()), text), Status::corrupt);
}

struct Copy {
  std::string bytes;
  std::size_t pieces = 0;
  std::size_t pieces_max = SIZE_MAX;
};

Status take(void* context, Bytes bytes) {
  auto& copy = *static_cast<Copy*>(context);
  if (++copy.pieces > copy.pieces_max) return Status::full;
  copy.bytes.append(as_text(bytes));
  return Status::ok;
}

void fill(const std::string& path, int count) {
  Status status = Status::ok;
  std::string problem;
  const auto store = storage::LmdbStore::open({.path = path, .table_entries_max = 100}, status, problem);
  assert_string_equal(problem.c_str(), "");
  const std::string value(500, 'v');
  for (int i = 0; i < count; ++i) {
    const std::string key = "key" + std::to_string(i % 700);
    crdt::Op op;
    op.cell = {{"map", key}, crdt::Stamp::of(10, 0, 1), 0, as_bytes(value)};
    assert_ok(store->append(op).status());
    if (i % 50 == 0) assert_ok(store->commit());
  }
  assert_ok(store->commit());
}

int make_directory(void** state) {
  *state = new TemporaryDirectory;
  return 0;
}

int drop_directory(void** state) {
  delete static_cast<TemporaryDirectory*>(*state);
  return 0;
}

void a_copy_of_a_store_is_that_store(void** state) {
  const std::string from = static_cast<TemporaryDirectory*>(*state)->path() + "/from", to = from + "-copy";
  fill(from, 2'000);
  std::string problem;
  const Result<storage::LmdbAbout> about = storage::look_at_lmdb_store(from, problem);
  assert_ok(about.status());
  assert_int_equal(about->head, 2'000);
  Copy copy;
  assert_ok(storage::copy_lmdb_store(from, take, &copy, problem));
  assert_true(copy.pieces > 3);
  std::filesystem::create_directory(to);
  const File file(std::fopen((to + "/data.mdb").c_str(), "wb"));
  std::fwrite(copy.bytes.data(), 1, copy.bytes.size(), file.get());
  std::fflush(file.get());
  Status status = Status::ok;
  const auto store = storage::LmdbStore::open({.path = to}, status, problem);
  assert_string_equal(problem.c_str(), "");
  assert_int_equal(store->head(), 2'000);
  std::string key;
  int cells = 0;
  for (Result<crdt::Op> op = store->next_cell({}); op.ok(); op = store->next_cell({"map", key})) {
    key = op->cell.name.key;
    ++cells;
  }
  assert_int_equal(cells, 700);
}

void a_copy_that_finds_no_room_ends_with_that(void** state) {
  const std::string from = static_cast<TemporaryDirectory*>(*state)->path() + "/from";
  fill(from, 2'000);
  for (std::size_t pieces = 0; pieces < 3; ++pieces) {
    Copy copy;
    copy.pieces_max = pieces;
    std::string problem;
    assert_status(storage::copy_lmdb_store(from, take, &copy, problem), Status::full);
    assert_int_equal(copy.pieces, pieces + 1);
  }
}

void what_is_no_store_is_not_copied(void** state) {
  const std::string path = static_cast<TemporaryDirectory*>(*state)->path();
  std::string problem;
  Copy copy;
  assert_status(storage::copy_lmdb_store(path + "/none", take, &copy, problem), Status::not_found);
  const File file(std::fopen((path + "/data.mdb").c_str(), "wb"));
  for (int i = 0; i < 10'000; ++i) std::fputc('x', file.get());
  std::fflush(file.get());
  assert_status(storage::look_at_lmdb_store(path, problem).status(), Status::invalid);
  assert_true(problem.find(path) != std::string::npos);
  assert_int_equal(copy.pieces, 0);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read_back),
      cmocka_unit_test(the_bytes_are_those_of_the_format),
      cmocka_unit_test(a_backup_with_any_byte_changed_is_not_read_to_its_end),
      cmocka_unit_test(a_backup_that_is_cut_or_goes_on_is_corrupt),
      cmocka_unit_test(apps_have_names_of_their_own),
      cmocka_unit_test_setup_teardown(a_copy_of_a_store_is_that_store, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(a_copy_that_finds_no_room_ends_with_that, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(what_is_no_store_is_not_copied, make_directory, drop_directory),
  };
  return cmocka_run_group_tests_name("backup", tests, nullptr, nullptr);
}
