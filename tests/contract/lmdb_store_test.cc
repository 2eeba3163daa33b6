// SPDX-License-Identifier: Apache-2.0
//
// What is LMDB's alone: a directory, a map that grows, a disk that fills, and files that others have written.

#include "storage/lmdb/lmdb_store.h"

#include <lmdb.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/check.h"
#include "tests/contract/store_text.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using storage::LmdbOptions;
using storage::LmdbStore;

struct Fixture {
  TemporaryDirectory directory;
  LmdbOptions options;
  std::unique_ptr<LmdbStore> store;
  Status status = Status::ok;
  std::string problem;
  bool is_mounted = false;

  Fixture() {
    options.path = directory.path() + "/store";
    options.sync = false;
  }
  ~Fixture() {
    store.reset();
    if (is_mounted) umount(directory.path().c_str());
  }

  void open() {
    store.reset();
    store = LmdbStore::open(options, status, problem);
  }
  void open_well() {
    problem.clear();
    open();
    assert_string_equal(problem.c_str(), "");
  }
  std::string data() const { return options.path + "/data.mdb"; }
};

int make_fixture(void** state) {
  *state = new Fixture;
  return 0;
}

int drop_fixture(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

void assert_refused(const Fixture& fixture, Status status, std::initializer_list<std::string> parts) {
  assert_null(fixture.store.get());
  assert_status(fixture.status, status);
  for (const std::string& part : parts) {
    if (fixture.problem.find(part) == std::string::npos) assert_string_equal(fixture.problem.c_str(), part.c_str());
  }
}

Status put(LmdbStore& store, std::string_view key, std::string_view value) {
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(10, 0, 1), 0, as_bytes(value)};
  return store.append(op).status();
}

std::string contents_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Lets `change` have the database `name` of a closed store.
template <typename Change>
void with_database(const std::string& path, const char* name, Change change) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi database = 0;
  assert_int_equal(mdb_env_create(&env), 0);
  assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
  assert_int_equal(mdb_env_open(env, path.c_str(), 0, 0600), 0);
  assert_int_equal(mdb_txn_begin(env, nullptr, 0, &txn), 0);
  assert_int_equal(mdb_dbi_open(txn, name, MDB_CREATE, &database), 0);
  change(txn, database);
  assert_int_equal(mdb_txn_commit(txn), 0);
  mdb_env_close(env);
}

// Flips one bit of the last byte of the value under `key`, or puts `byte` at `offset` of it.
void spoil(const std::string& path, const char* database, std::string key, std::size_t offset) {
  with_database(path, database, [&](MDB_txn* txn, MDB_dbi dbi) {
    MDB_val name{key.size(), key.data()}, value{};
    assert_int_equal(mdb_get(txn, dbi, &name, &value), 0);
    std::string copy(static_cast<const char*>(value.mv_data), value.mv_size);
    copy[std::min(offset, copy.size() - 1)] ^= 2;
    value = {copy.size(), copy.data()};
    assert_int_equal(mdb_put(txn, dbi, &name, &value, 0), 0);
  });
}

constexpr std::size_t kLastByte = 1'000'000;

// BND-1
void the_map_grows_while_the_store_runs(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.map_bytes = 65'536;
  fixture.options.table_entries_max = 500;
  fixture.open_well();
  const std::string value(900, 'v');
  for (int batch = 0; batch < 100; ++batch) {
    for (int i = 0; i < 100; ++i) assert_ok(put(*fixture.store, "key" + std::to_string(batch * 100 + i), value));
    fixture.store->seal();
    Status flushed = Status::io;
    if (batch % 2 == 0) {
      flushed = fixture.store->flush();
    } else {
      std::thread([&] { flushed = fixture.store->flush(); }).join();
    }
    assert_ok(flushed);
    fixture.store->flushed();
  }
  fixture.open_well();
  assert_int_equal(fixture.store->head(), 10'000);
  assert_int_equal(fixture.store->find({"map", "key9999"})->cell.value.size(), 900);
}

void a_store_is_open_once(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  Fixture second;
  second.options.path = fixture.options.path;
  second.open();
  assert_refused(second, Status::busy, {fixture.options.path, "another process", std::to_string(getpid())});
  fixture.store.reset();
  second.open_well();
}

void a_fresh_directory_is_made_with_its_parents(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.path += "/a/b/c";
  fixture.open_well();
  assert_true(std::filesystem::exists(fixture.data()));
}

void a_directory_of_something_else_is_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  std::filesystem::create_directory(fixture.options.path);
  std::ofstream(fixture.options.path + "/holiday.jpg") << "x";
  fixture.open();
  assert_refused(fixture, Status::invalid, {fixture.options.path, "not a Grid store", "holiday.jpg"});
  const std::filesystem::directory_iterator all(fixture.options.path);
  assert_int_equal(std::distance(begin(all), end(all)), 1);
}

void a_file_that_is_no_database_is_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  std::filesystem::create_directory(fixture.options.path);
  const std::string text(100'000, 'x');
  std::ofstream(fixture.data()) << text;
  fixture.open();
  assert_refused(fixture, Status::invalid, {fixture.options.path, "not a Grid store"});
  assert_true(contents_of(fixture.data()) == text);
}

void a_database_of_something_else_is_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  std::filesystem::create_directory(fixture.options.path);
  with_database(fixture.options.path, "songs", [](MDB_txn*, MDB_dbi) {});
  const std::string before = contents_of(fixture.data());
  fixture.open();
  assert_refused(fixture, Status::invalid, {fixture.options.path, "something else"});
  assert_true(contents_of(fixture.data()) == before);
}

void a_path_below_a_file_is_a_clear_error(void** state) {
  Fixture& fixture = fixture_of(state);
  std::ofstream(fixture.options.path) << "x";
  fixture.options.path += "/store";
  fixture.open();
  assert_refused(fixture, Status::io, {fixture.options.path, "Not a directory"});
}

void a_medium_that_cannot_be_written_is_denied(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  fixture.store.reset();
  const char* path = fixture.directory.path().c_str();
  if (geteuid() != 0) {
    std::filesystem::permissions(fixture.options.path + "/grid.lock", std::filesystem::perms::owner_read);
  } else if (mount(path, path, nullptr, MS_BIND, nullptr) == 0) {
    fixture.is_mounted = true;
    assert_int_equal(mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0);
  } else {
    skip();
  }
  fixture.open();
  assert_refused(fixture, Status::denied, {fixture.options.path, "grid.lock"});
}

void a_newer_format_is_refused_by_name_and_left_alone(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  fixture.store.reset();
  constexpr std::size_t kFormatAt = 8;
  spoil(fixture.options.path, nullptr, "grid", kFormatAt);  // 1 becomes 3.
  const std::string before = contents_of(fixture.data());
  fixture.open();
  assert_refused(fixture, Status::newer, {fixture.options.path, "format 3", "up to 1"});
  assert_true(contents_of(fixture.data()) == before);
}

void marks_that_are_spoilt_are_corrupt(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  fixture.store.reset();
  spoil(fixture.options.path, nullptr, "grid", kLastByte);
  fixture.open();
  assert_refused(fixture, Status::corrupt, {fixture.options.path});
}

void a_record_that_is_spoilt_is_named(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.table_entries_max = 1;
  fixture.open_well();
  for (const char* key : {"a", "b", "c"}) assert_ok(put(*fixture.store, key, "value"));
  assert_ok(fixture.store->commit());
  fixture.store.reset();
  spoil(fixture.options.path, "log", std::string("\0\0\0\0\0\0\0\2", 8), kLastByte);
  fixture.open_well();
  assert_ok(fixture.store->find({"map", "a"}).status());
  assert_status(fixture.store->find({"map", "b"}).status(), Status::corrupt);
  assert_non_null(strstr(fixture.store->problem(), "record 2"));
  assert_status(fixture.store->next_op(1).status(), Status::corrupt);
  assert_status(fixture.store->next_cell({"map", "a"}).status(), Status::corrupt);
  assert_ok(fixture.store->next_op(2).status());
}

void a_spoilt_record_that_opening_must_read_is_named(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  assert_ok(put(*fixture.store, "a", "value"));
  assert_ok(fixture.store->commit());
  fixture.store.reset();
  spoil(fixture.options.path, "log", std::string("\0\0\0\0\0\0\0\1", 8), kLastByte);
  fixture.open();
  assert_refused(fixture, Status::corrupt, {fixture.options.path, "record 1"});
}

// STO-1
void a_fold_that_was_cut_short_brings_no_erased_name_back(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.table_entries_max = 44;
  fixture.open_well();
  LmdbStore& store = *fixture.store;
  crdt::Op op;
  op.cell = {{"map", "erased"}, crdt::Stamp::of(10, 0, 1), 0, as_bytes("v")};
  op.local = true;
  assert_ok(store.append(op).status());
  assert_ok(store.share(1));
  op.cell.stamp = {};
  assert_ok(store.append(op).status());
  for (int i = 0; i < 40; ++i) assert_ok(put(store, "key", "v"));
  assert_ok(store.commit());  // 42 entries: two names, and 40 records that are dead.
  assert_ok(put(store, "more", "v"));
  assert_ok(put(store, "most", "v"));
  assert_ok(store.commit());  // 44, of which 8 are folded: four names, the erasure, three more.
  fixture.open_well();
  assert_cells(*fixture.store, "key=v@10 more=v@10 most=v@10");
  assert_ops(*fixture.store, "1:erased=v@10* 42:key=v@10 43:more=v@10 44:most=v@10");
}

void a_file_that_was_cut_short_is_corrupt(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.open_well();
  assert_ok(put(*fixture.store, "a", std::string(100'000, 'v')));
  assert_ok(fixture.store->commit());
  fixture.store.reset();
  std::filesystem::resize_file(fixture.data(), std::filesystem::file_size(fixture.data()) / 2);
  fixture.open();
  assert_refused(fixture, Status::corrupt, {fixture.data(), "cut short"});
}

// Fills the disk with values of that many bytes, makes room, and goes on.
void fill_and_go_on(Fixture& fixture, std::size_t value_bytes) {
  const std::string ballast = fixture.directory.path() + "/ballast", value(value_bytes, 'v');
  std::ofstream(ballast) << std::string(600'000, 'x');
  fixture.open_well();
  LmdbStore& store = *fixture.store;
  int count = 0;
  Status status = Status::ok;
  while (status == Status::ok && count < 200) {
    assert_ok(put(store, "key" + std::to_string(count++), value));
    status = store.commit();
  }
  assert_status(status, Status::full);
  assert_non_null(strstr(store.problem(), "No space left"));
  const std::string cells = cells_of(store);
  assert_true(static_cast<int>(store.head()) == count);
  for (int i = 0; i < 5; ++i) assert_status(store.flush(), Status::full);
  std::filesystem::remove(ballast);
  assert_ok(store.flush());
  store.flushed();
  assert_cells(store, cells.c_str());

  // What a failed flush had begun to fold is folded again.
  for (int i = 0; i < 3 * count; ++i) {
    assert_ok(put(store, "more", "v"));
    assert_ok(store.commit());
  }
  const std::string all = cells_of(store);
  assert_true(all.starts_with(cells));
  fixture.open_well();
  assert_cells(*fixture.store, all.c_str());
}

// STO-1
void a_full_disk_loses_nothing_and_the_next_flush_may_succeed(void** state) {
  Fixture& fixture = fixture_of(state);
  if (mount("grid-test", fixture.directory.path().c_str(), "tmpfs", 0, "size=1m") != 0) skip();
  fixture.is_mounted = true;
  fixture.options.table_entries_max = 20;
  for (const std::size_t value_bytes : {2'500u, 5'000u, 7'500u, 9'000u, 13'000u}) {
    fill_and_go_on(fixture, value_bytes);
    fixture.store.reset();
    std::filesystem::remove_all(fixture.options.path);
  }
}

// A process that begins to read the store when it is told to, and dies with that.
class DyingReader {
 public:
  explicit DyingReader(const std::string& path) {
    assert_int_equal(pipe(told_), 0);
    child_ = fork();
    if (child_ == 0) read_and_die(path);
  }
  ~DyingReader() {
    close(told_[0]);
    close(told_[1]);
  }
  DyingReader(const DyingReader&) = delete;
  DyingReader& operator=(const DyingReader&) = delete;

  void read_now() {
    int state = 0;
    assert_int_equal(write(told_[1], "!", 1), 1);
    assert_int_equal(waitpid(child_, &state, 0), child_);
    assert_int_equal(WEXITSTATUS(state), 0);
  }

 private:
  [[noreturn]] void read_and_die(const std::string& path) {
    char word = 0;
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    const bool is_reading = read(told_[0], &word, 1) == 1 && mdb_env_create(&env) == 0 &&
                            mdb_env_open(env, path.c_str(), MDB_RDONLY | MDB_NOTLS, 0600) == 0 &&
                            mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0;
    _exit(is_reading ? 0 : 1);
  }

  int told_[2]{};
  pid_t child_ = -1;
};

// BND-1: a backup that was killed does not keep the store from using its pages again.
void a_reader_that_has_died_does_not_let_the_store_grow(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.options.map_bytes = 1'048'576;
  fixture.options.table_entries_max = 20;
  DyingReader reader(fixture.options.path);
  fixture.open_well();
  const std::string value(1'000, 'v');
  for (int i = 0; i < 5'000; ++i) {
    if (i == 100) reader.read_now();
    assert_ok(put(*fixture.store, "key" + std::to_string(i % 50), value));
    assert_ok(fixture.store->commit());
  }
  assert_in_range(std::filesystem::file_size(fixture.data()), 1, 4 * 1'048'576);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define lmdb_test(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
  const CMUnitTest tests[] = {
      lmdb_test(the_map_grows_while_the_store_runs),
      lmdb_test(a_store_is_open_once),
      lmdb_test(a_fresh_directory_is_made_with_its_parents),
      lmdb_test(a_directory_of_something_else_is_left_alone),
      lmdb_test(a_file_that_is_no_database_is_left_alone),
      lmdb_test(a_database_of_something_else_is_left_alone),
      lmdb_test(a_path_below_a_file_is_a_clear_error),
      lmdb_test(a_medium_that_cannot_be_written_is_denied),
      lmdb_test(a_newer_format_is_refused_by_name_and_left_alone),
      lmdb_test(marks_that_are_spoilt_are_corrupt),
      lmdb_test(a_record_that_is_spoilt_is_named),
      lmdb_test(a_spoilt_record_that_opening_must_read_is_named),
      lmdb_test(a_fold_that_was_cut_short_brings_no_erased_name_back),
      lmdb_test(a_file_that_was_cut_short_is_corrupt),
      lmdb_test(a_reader_that_has_died_does_not_let_the_store_grow),
      lmdb_test(a_full_disk_loses_nothing_and_the_next_flush_may_succeed),
  };
  return cmocka_run_group_tests_name("LMDB store", tests, nullptr, nullptr);
}
