// SPDX-License-Identifier: Apache-2.0
//
// What the LMDB store reads back: records and marks, with the checksum made right, so that what lies behind it is
// reached; and the order of names as keys.
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/hash.h"
#include "storage/lmdb/record.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
namespace lmdb = storage::lmdb;

void seal(std::uint64_t salt, std::vector<std::uint8_t>& bytes, std::size_t sum_at, std::size_t from) {
  if (bytes.size() < from) return;
  store_le<4>(crdt::hash64(Bytes(bytes).subspan(from)) ^ salt, bytes.data() + sum_at);
}

void check_record(crdt::Seq seq, Bytes record) {
  crdt::Op op;
  if (!lmdb::read_record(seq, record, op)) return;
  GRID_CHECK(op.seq == seq && op.quality <= crdt::ClockQuality::ntp);
  std::vector<std::uint8_t> again(lmdb::record_size(op));
  lmdb::write_record(seq, op, again);
  GRID_CHECK(equal(again, record));
}

void check_marks(Bytes bytes) {
  lmdb::Marks marks;
  std::uint32_t format = 0;
  const Status status = lmdb::Marks::read(bytes, marks, format);
  GRID_CHECK(status == Status::ok || status == Status::corrupt || status == Status::newer);
  GRID_CHECK(status != Status::newer || format > lmdb::Marks::kFormat);
  if (status != Status::ok) return;
  std::uint8_t again[lmdb::Marks::kBytes];
  marks.write(again);
  GRID_CHECK(equal(again, bytes));
}

struct Name {
  // No map and no key has a NUL: check_name() comes before every store.
  static std::string part(test::Script& script, std::size_t bytes_max) {
    std::string text(as_text(script.take(script.below(bytes_max + 3))));
    std::replace(text.begin(), text.end(), '\0', '\1');
    return text;
  }
  explicit Name(test::Script& script)
      : map(part(script, kMapBytesMax)),
        key(part(script, kKeyBytesMax)),
        sub(as_text(script.take(script.below(kSubBytesMax + 1)))) {}
  crdt::CellName view() const { return {map, key, sub}; }
  bool is_legal() const { return map.size() <= kMapBytesMax && key.size() <= kKeyBytesMax; }

  std::string map, key, sub;
};

void check_order(test::Script& script) {
  const Name a(script), b(script);
  const lmdb::NameKey left(a.view()), right(b.view());
  // Of what is too long to be a cell's name, the order to what begins alike is open.
  if (a.is_legal() && b.is_legal()) GRID_CHECK((left.text() < right.text()) == (a.view() < b.view()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::Script script({data, size});
  const std::size_t what = script.below(4);
  if (what == 3) return check_order(script), 0;
  const crdt::Seq seq = script.number(what == 0 ? 8 : 1);
  const Bytes rest = script.take(size);
  std::vector<std::uint8_t> bytes(rest.begin(), rest.end());
  if (what == 1) seal(seq, bytes, 0, 4);
  if (what == 2) seal(lmdb::Marks::kFormat, bytes, 12, 16);
  what == 2 ? check_marks(bytes) : check_record(seq, bytes);
  return 0;
}
