// SPDX-License-Identifier: Apache-2.0
//
// What the encrypting store promises beside the store contract: what lies below can't be read, changed or moved without
// the key, another key changes nothing, and a store comes from one key to another whatever it is cut off from.

#include "storage/encrypted/encrypted_store.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "ports/port.h"
#include "storage/encrypted/below.h"
#include "storage/lmdb/lmdb_store.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "tests/contract/store_fixture.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {

namespace {

using storage::EncryptedOptions;
using storage::EncryptedStore;
using storage::Key;
using storage::LmdbStore;
using storage::MemoryStore;
using storage::RewritableStore;
using storage::Sealer;

Key key_of(char letter) {
  std::string text = "thirty-two bytes that are a key ";
  text.back() = letter;
  return *Key::parse(as_bytes(text));
}

struct Opened {
  std::unique_ptr<EncryptedStore> store;
  Status status = Status::ok;
  std::string problem;
};

Opened open(RewritableStore& below, const Key& key, const std::optional<Key>& old = {}) {
  Opened opened;
  const EncryptedOptions options{.key = key, .old_key = old, .entropy = port::entropy};
  opened.store = EncryptedStore::open(below, options, opened.status, opened.problem);
  return opened;
}

struct Bench {
  MemoryStore below{MemoryStore::Options{.value_bytes_max = kValueBytesMax + storage::kDecorationBytesMax}};
  std::unique_ptr<EncryptedStore> store;

  EncryptedStore& reopen(char key) {
    store.reset();
    Opened opened = open(below, key_of(key));
    assert_string_equal(opened.problem.c_str(), "");
    store = std::move(opened.store);
    return *store;
  }
};

int make_bench(void** state) {
  *state = new Bench;
  static_cast<Bench*>(*state)->reopen('a');
  return 0;
}

int drop_bench(void** state) {
  delete static_cast<Bench*>(*state);
  return 0;
}

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

Bytes piece_of(MemoryStore& below, Seq seq) {
  const Result<crdt::Op> op = below.next_op(seq - 1);
  assert_ok(op.status());
  assert_int_equal(op->seq, seq);
  return op->cell.value;
}

std::string all_text(const std::string& directory) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

struct Lmdb {
  TemporaryDirectory directory;
  std::unique_ptr<LmdbStore> below;
  std::unique_ptr<EncryptedStore> store;
};

int make_lmdb(void** state) {
  auto* lmdb = new Lmdb;
  Status status = Status::ok;
  std::string problem;
  storage::LmdbOptions options{.path = lmdb->directory.path(), .table_entries_max = 4};
  options.value_bytes_max += storage::kDecorationBytesMax;
  lmdb->below = LmdbStore::open(options, status, problem);
  assert_string_equal(problem.c_str(), "");
  lmdb->store = open(*lmdb->below, key_of('a')).store;
  *state = lmdb;
  return 0;
}

int drop_lmdb(void** state) {
  delete static_cast<Lmdb*>(*state);
  return 0;
}

// A view of both.
crdt::Op full_op(std::string_view key, std::string_view value) {
  crdt::Op op;
  op.cell = {{"climate", key, "a secret sub"},
             Stamp{0x5354414d50544d45, 0x5354414d504e4f44},
             0x4558504952594d53,
             as_bytes(value)};
  op.base = Stamp{0x5354414d50424153, 0x42415345424153e5};
  op.local = true;
  return op;
}

// ENC-1
void nothing_that_is_written_can_be_read_from_the_files(void** state) {
  Lmdb& lmdb = *static_cast<Lmdb*>(*state);
  for (int i = 0; i < 40; ++i) {
    append(*lmdb.store, full_op("a-secret-key-" + std::to_string(i % 7), "a secret value " + std::to_string(i)));
    assert_ok(lmdb.store->set_fact("secret-fact/" + std::to_string(i % 5), as_bytes("what a fact says")));
    assert_ok(lmdb.store->commit());
  }
  assert_ok(lmdb.store->restamp(lmdb.store->head(), Stamp{0x52455354414d5044, 7}, 0));
  erase(*lmdb.store, "a-secret-erasure");
  assert_ok(lmdb.store->commit());
  const std::string all = all_text(lmdb.directory.path());
  assert_true(all.find("encryption") != std::string::npos);
  for (const char* secret :
       {"climate", "a-secret-key", "a secret sub", "a secret value", "secret-fact", "a fact says", "a-secret-erasure",
        "STAMPTME", "STAMPNOD", "STAMPBAS", "SMYRIPXE", "EXPIRYMS", "RESTAMPD", "thirty-two bytes"}) {
    if (all.find(secret) != std::string::npos) fail_msg("%s can be read", secret);
  }
}

void what_was_written_is_read_back_after_reopening(void** state) {
  Bench& bench = bench_of(state);
  const std::string key = "k", value = "v";
  const crdt::Op written = full_op(key, value);
  append(*bench.store, written);
  assert_ok(bench.store->restamp(1, Stamp{9, 9}, 77));
  assert_ok(bench.store->set_fact("name", as_bytes(std::string(1'024, 'x'))));
  assert_ok(bench.store->set_fact("short", as_bytes("y")));
  assert_ok(bench.store->commit());
  EncryptedStore& store = bench.reopen('a');
  const Result<crdt::Op> op = store.find(written.cell.name);
  assert_ok(op.status());
  assert_true(op->cell.stamp == (Stamp{9, 9}) && op->cell.expires_ms == 77 && op->base == written.base && op->local);
  assert_true(as_text(op->cell.value) == "v");
  assert_int_equal(store.fact("name")->size(), 1'024);
  assert_ok(store.set_fact("name", as_bytes("short now")));
  assert_ok(store.set_fact("short", {}));
  assert_ok(store.commit());
  EncryptedStore& again = bench.reopen('a');
  assert_true(as_text(*again.fact("name")) == "short now");
  assert_status(again.fact("short").status(), Status::not_found);
}

// ENC-1
void another_key_says_so_and_changes_nothing(void** state) {
  Bench& bench = bench_of(state);
  put(*bench.store, "a", "1", 10);
  assert_ok(bench.store->commit());
  const std::string before(as_text(piece_of(bench.below, 1)));
  const std::string label(as_text(*bench.below.fact(storage::encrypted::kLabel)));
  bench.store.reset();
  for (const auto& old : {std::optional<Key>(), std::optional<Key>(key_of('c'))}) {
    const Opened opened = open(bench.below, key_of('b'), old);
    assert_status(opened.status, Status::denied);
    assert_true(opened.problem.find("not this store's") != std::string::npos);
  }
  assert_ok(bench.below.commit());
  assert_int_equal(bench.below.head(), 1);
  assert_true(as_text(piece_of(bench.below, 1)) == before);
  assert_true(as_text(*bench.below.fact(storage::encrypted::kLabel)) == label);
  assert_true(as_text(bench.reopen('a').find({"map", "a"})->cell.value) == "1");
}

void a_store_that_is_not_encrypted_is_refused_and_left_alone(void**) {
  MemoryStore with_cell, with_fact;
  put(with_cell, "a", "1", 10);
  assert_ok(with_fact.set_fact("node", as_bytes("12345678")));
  for (MemoryStore* plain : {&with_cell, &with_fact}) {
    const Opened opened = open(*plain, key_of('a'));
    assert_status(opened.status, Status::invalid);
    assert_true(opened.problem.find("not encrypted") != std::string::npos);
    assert_status(plain->fact(storage::encrypted::kLabel).status(), Status::not_found);
    assert_false(*EncryptedStore::is_encrypted(*plain));
  }
}

void an_encrypted_store_says_so_from_its_first_commit_on(void** state) {
  Bench& bench = bench_of(state);
  put(*bench.store, "a", "1", 10);
  assert_ok(bench.store->commit());
  bench.store.reset();
  bench.below.crash();
  assert_true(*EncryptedStore::is_encrypted(bench.below));
}

void one_of_a_later_release_is_refused(void** state) {
  Bench& bench = bench_of(state);
  bench.store.reset();
  const std::string label(as_text(*bench.below.fact(storage::encrypted::kLabel)));
  assert_ok(bench.below.set_fact(storage::encrypted::kLabel, as_bytes("\2" + label.substr(1))));
  assert_status(open(bench.below, key_of('a')).status, Status::newer);
  assert_ok(bench.below.set_fact(storage::encrypted::kLabel, as_bytes(label.substr(0, label.size() - 1))));
  assert_status(open(bench.below, key_of('a')).status, Status::corrupt);
}

// ENC-1: every byte of a piece is held, the ones that say of what version and key it is too.
void a_piece_with_any_byte_changed_is_corrupt_and_said_where(void** state) {
  Bench& bench = bench_of(state);
  put(*bench.store, "a", "1", 10);
  put(*bench.store, "b", "2", 10);
  const std::string piece(as_text(piece_of(bench.below, 1)));
  for (std::size_t at = 0; at < piece.size(); ++at) {
    std::string changed = piece;
    changed[at] = static_cast<char>(changed[at] ^ (at == 0 ? 0x01 : 0x80));
    assert_ok(bench.below.rewrite(1, as_bytes(changed)));
    assert_status(bench.store->find({"map", "a"}).status(), Status::corrupt);
    assert_true(std::strstr(bench.store->problem(), "record 1") != nullptr);
    assert_ok(bench.store->find({"map", "b"}).status());
    assert_ok(bench.below.commit());
  }
  assert_ok(bench.below.rewrite(1, as_bytes(std::string_view(piece).substr(0, piece.size() - 1))));
  const Opened opened = open(bench.below, key_of('a'));
  assert_status(opened.status, Status::corrupt);
  assert_true(opened.problem.find("record 1") != std::string::npos);
}

// ENC-1
void a_piece_opens_in_its_own_place_only(void** state) {
  Bench& bench = bench_of(state);
  put(*bench.store, "a", "1", 10);
  put(*bench.store, "b", "2", 10);
  assert_ok(bench.store->set_fact("one", as_bytes("1")));
  assert_ok(bench.store->set_fact("two", as_bytes("2")));
  const std::string first(as_text(piece_of(bench.below, 1))), second(as_text(piece_of(bench.below, 2)));
  assert_ok(bench.below.rewrite(1, as_bytes(second)));
  assert_ok(bench.below.rewrite(2, as_bytes(first)));
  assert_status(bench.store->find({"map", "a"}).status(), Status::corrupt);
  assert_status(bench.store->next_op(1).status(), Status::corrupt);
  assert_ok(bench.below.rewrite(1, as_bytes(first)));
  assert_ok(bench.below.rewrite(2, as_bytes(second)));

  const storage::encrypted::FactBelow one(1, 0), two(2, 0);
  const std::string fact(as_text(*bench.below.fact(one.name())));
  assert_ok(bench.below.set_fact(two.name(), as_bytes(fact)));
  bench.store.reset();
  const Opened opened = open(bench.below, key_of('a'));
  assert_status(opened.status, Status::corrupt);
  assert_true(opened.problem.find("fact 2") != std::string::npos);
}

std::string nonce_of(Bytes piece) { return std::string(as_text(piece.subspan(5, Sealer::kHeadBytes - 5))); }

// ENC-1: salt and nonce, over starts, restored images and copies that were made while it ran.
void no_nonce_comes_twice(void** state) {
  Bench& bench = bench_of(state);
  std::set<std::string> nonces;
  std::set<std::string> salts;
  const auto write = [&](EncryptedStore& store, MemoryStore& below) {
    for (int i = 0; i < 50; ++i) {
      const Seq seq = put(store, "a", "the same value", 10);
      const std::string nonce = nonce_of(piece_of(below, seq));
      salts.insert(nonce.substr(0, Sealer::kSaltBytes));
      assert_true(nonces.insert(nonce).second);
    }
    assert_ok(store.commit());
  };
  write(*bench.store, bench.below);
  MemoryStore image = bench.below;
  write(bench.reopen('a'), bench.below);
  for (int copy = 0; copy < 3; ++copy) {
    MemoryStore restored = image;
    write(*open(restored, key_of('a')).store, restored);
  }
  assert_int_equal(salts.size(), 5);
}

void a_salt_seals_no_more_pieces_than_it_may(void**) {
  const std::string id(16, 'i');
  Sealer sealer(key_of('a'), nullptr, as_bytes(id), port::entropy, 3);
  std::vector<std::string> salts;
  for (int i = 0; i < 7; ++i) {
    std::vector<std::uint8_t> piece(Sealer::kOverhead + 1);
    sealer.seal(as_bytes("place"), piece);
    salts.push_back(nonce_of(piece).substr(0, Sealer::kSaltBytes));
    std::uint8_t plain = 1;
    assert_ok(sealer.open(as_bytes("place"), piece, {&plain, 1}));
    assert_int_equal(plain, 0);
  }
  assert_true(salts[0] == salts[2] && salts[2] != salts[3] && salts[3] == salts[5] && salts[5] != salts[6]);
}

void keys_of_more_salts_than_are_kept_open_what_they_sealed(void** state) {
  Bench& bench = bench_of(state);
  constexpr int kStarts = 150;
  for (int i = 0; i < kStarts; ++i) put(bench.reopen('a'), "key" + std::to_string(i), std::to_string(i), 10);
  EncryptedStore& store = bench.reopen('a');
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kStarts; ++i) {
      const Result<crdt::Op> op = store.find({"map", "key" + std::to_string(i)});
      assert_ok(op.status());
      assert_true(as_text(op->cell.value) == std::to_string(i));
    }
  }
}

void rise(MutBytes out) {
  static std::uint8_t next = 0xa0;
  for (std::uint8_t& byte : out) byte = next++;
}

// The bytes were made by other code, from docs/STORAGE.md.
void a_piece_has_the_bytes_that_the_format_says(void**) {
  std::array<std::uint8_t, Key::kBytes> secret;
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(i);
  const Key key = *Key::parse(secret);
  std::array<std::uint8_t, 16> id;
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::uint8_t>(0x40 + i);
  constexpr std::string_view kText = "twenty-one degrees";
  std::vector<std::uint8_t> piece(kText.size() + Sealer::kOverhead);
  copy(as_bytes(kText), MutBytes(piece).subspan(Sealer::kHeadBytes));
  Sealer(key, nullptr, id, rise).seal(as_bytes("place"), piece);
  std::string hex;
  for (const std::uint8_t byte : piece) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", byte);
    hex += two;
  }
  assert_string_equal(hex.c_str(),
                      "01f20c85a7a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbfe04dea9176ef436c5ef8ea005e7d1"
                      "89446a6f849ddedeeda90bac786491e263e218");
}

void fill(Store& store, int count) {
  for (int i = 0; i < count; ++i) put_local(store, "key" + std::to_string(i % 30), "value" + std::to_string(i), 10);
  assert_ok(store.share(5));
  for (int i = 0; i < 20; ++i) assert_ok(store.set_fact("fact/" + std::to_string(i), as_bytes(std::to_string(i))));
  put_local(store, "key3", "behind what is in flight", 11);
  assert_ok(store.commit());
}

std::string text_of(Store& store) {
  std::string all;
  Seq seq = 0;
  for (Result<crdt::Op> op = store.next_op(0); op.ok(); op = store.next_op(seq)) {
    seq = op->seq;
    all.append(std::to_string(seq)).append(op->cell.name.key).append("=").append(as_text(op->cell.value)).append(";");
  }
  std::string name;
  for (Result<Store::Fact> fact = store.next_fact({}, {}); fact.ok(); fact = store.next_fact({}, name)) {
    name = fact->name;
    all.append(name).append("=").append(as_text(fact->bytes)).append(";");
  }
  return all;
}

std::size_t pieces_of_another_key(MemoryStore& below, Bytes short_id) {
  std::size_t count = 0;
  Seq seq = 0;
  for (Result<crdt::Op> op = below.next_op(0); op.ok(); op = below.next_op(seq)) {
    seq = op->seq;
    if (!op->cell.stamp.is_none() && !equal(op->cell.value.subspan(1, 4), short_id)) ++count;
  }
  std::string name;
  for (Result<Store::Fact> fact = below.next_fact("f", {}); fact.ok(); fact = below.next_fact("f", name)) {
    name = fact->name;
    if (!equal(fact->bytes.subspan(1, 4), short_id)) ++count;
  }
  return count;
}

// ENC-1: power is cut after each step in turn.
void a_store_comes_to_another_key_whatever_it_is_cut_off_from(void** state) {
  Bench& bench = bench_of(state);
  fill(*bench.store, 50);
  const std::string all = text_of(*bench.store);
  bench.store.reset();
  int openings = 0;
  for (bool arrived = false; !arrived; ++openings) {
    assert_true(openings < 100);
    Opened opened = open(bench.below, key_of('b'), key_of('a'));
    assert_string_equal(opened.problem.c_str(), "");
    EncryptedStore& store = *opened.store;
    assert_true(text_of(store) == all);
    assert_true(store.is_rotating());
    assert_ok(store.rotate(7 + static_cast<std::size_t>(openings) * 5));
    arrived = !store.is_rotating();
    assert_ok(store.commit());
    assert_true(text_of(store) == all);
    assert_ok(store.rotate(3));
    opened.store.reset();
    bench.below.crash();
    if (arrived) break;
    assert_status(open(bench.below, key_of('b')).status, Status::denied);
    assert_status(open(bench.below, key_of('a')).status, Status::denied);
    bench.below.crash();
  }
  assert_in_range(openings, 3, 50);
  assert_status(open(bench.below, key_of('a')).status, Status::denied);
  // That the old key is given still is no fault.
  Opened opened = open(bench.below, key_of('b'), key_of('a'));
  assert_false(opened.store->is_rotating());
  const std::string label(as_text(*bench.below.fact(storage::encrypted::kLabel)));
  const Sealer::Id id = Sealer::id_of(key_of('b'), as_bytes(label).subspan(1, 16));
  assert_int_equal(pieces_of_another_key(bench.below, Bytes(id).first(4)), 0);
  assert_true(text_of(*opened.store) == all);
}

void what_is_written_on_the_way_is_under_the_new_key_at_once(void** state) {
  Bench& bench = bench_of(state);
  fill(*bench.store, 10);
  bench.store.reset();
  Opened opened = open(bench.below, key_of('b'), key_of('a'));
  const Seq seq = put(*opened.store, "new", "value", 12);
  const std::string label(as_text(*bench.below.fact(storage::encrypted::kLabel)));
  const Sealer::Id id = Sealer::id_of(key_of('b'), as_bytes(label).subspan(1, 16));
  assert_true(equal(piece_of(bench.below, seq).subspan(1, 4), Bytes(id).first(4)));
}

void a_full_batch_lets_a_rotation_go_on_after_a_flush(void**) {
  MemoryStore below({.value_bytes_max = 4'096, .batch_bytes_max = 20'000});
  Opened opened = open(below, key_of('a'));
  for (int i = 0; i < 100; ++i) {
    put(*opened.store, "key" + std::to_string(i), std::string(300, 'v'), 10);
    assert_ok(opened.store->commit());
  }
  opened.store.reset();
  opened = open(below, key_of('b'), key_of('a'));
  int fulls = 0;
  while (opened.store->is_rotating()) {
    const Status status = opened.store->rotate(1'000);
    assert_true(status == Status::ok || status == Status::full);
    if (status == Status::full) ++fulls;
    assert_ok(opened.store->commit());
  }
  assert_in_range(fulls, 2, 50);
  opened.store.reset();
  opened = open(below, key_of('b'));
  assert_string_equal(opened.problem.c_str(), "");
  for (int i = 0; i < 100; ++i) assert_ok(opened.store->find({"map", "key" + std::to_string(i)}).status());
}

// BND-1: the largest cell there may be has room in a store below that keeps as much as it says.
void the_largest_value_and_name_are_kept(void** state) {
  Bench& bench = bench_of(state);
  const std::string map(kMapBytesMax, 'm'), key(kKeyBytesMax, 'k'), sub(kSubBytesMax, 's'), value(kValueBytesMax, 'v');
  crdt::Op op = full_op(key, value);
  op.cell.name = {map, key, sub};
  op.unit = {1, 2};
  append(*bench.store, op);
  const Result<crdt::Op> found = bench.store->find(op.cell.name);
  assert_ok(found.status());
  assert_true(equal(found->cell.value, as_bytes(value)));
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_that_is_written_can_be_read_from_the_files, make_lmdb, drop_lmdb),
      cmocka_unit_test_setup_teardown(what_was_written_is_read_back_after_reopening, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(another_key_says_so_and_changes_nothing, make_bench, drop_bench),
      cmocka_unit_test(a_store_that_is_not_encrypted_is_refused_and_left_alone),
      cmocka_unit_test_setup_teardown(an_encrypted_store_says_so_from_its_first_commit_on, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(one_of_a_later_release_is_refused, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(a_piece_with_any_byte_changed_is_corrupt_and_said_where, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(a_piece_opens_in_its_own_place_only, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(no_nonce_comes_twice, make_bench, drop_bench),
      cmocka_unit_test(a_salt_seals_no_more_pieces_than_it_may),
      cmocka_unit_test_setup_teardown(keys_of_more_salts_than_are_kept_open_what_they_sealed, make_bench, drop_bench),
      cmocka_unit_test(a_piece_has_the_bytes_that_the_format_says),
      cmocka_unit_test_setup_teardown(a_store_comes_to_another_key_whatever_it_is_cut_off_from, make_bench, drop_bench),
      cmocka_unit_test_setup_teardown(what_is_written_on_the_way_is_under_the_new_key_at_once, make_bench, drop_bench),
      cmocka_unit_test(a_full_batch_lets_a_rotation_go_on_after_a_flush),
      cmocka_unit_test_setup_teardown(the_largest_value_and_name_are_kept, make_bench, drop_bench),
  };
  return cmocka_run_group_tests_name("encrypted store", tests, nullptr, nullptr);
}
