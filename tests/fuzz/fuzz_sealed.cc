// SPDX-License-Identifier: Apache-2.0
//
// What an encrypted store reads back: pieces that nobody sealed, ops and facts as if their tag had been right, and
// keys.
#include <vector>

#include "crdt/base/check.h"
#include "storage/encrypted/sealed_fact.h"
#include "storage/encrypted/sealer.h"
#include "storage/op_bytes.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/target.h"

namespace {

using namespace grid;
using storage::Key;
using storage::Sealer;

void rise(MutBytes out) {
  static std::uint8_t next = 0;
  for (std::uint8_t& byte : out) byte = ++next;
}

void check_op(Bytes plain) {
  crdt::Op op;
  if (!storage::read_op_bytes(plain, op)) return;
  GRID_CHECK(op.quality <= crdt::ClockQuality::ntp);
  std::vector<std::uint8_t> again(storage::op_bytes_size(op));
  storage::write_op_bytes(op, again);
  GRID_CHECK(equal(again, plain));
}

void check_fact(Bytes plain) {
  storage::Store::Fact fact;
  if (!storage::read_sealed_fact(plain, fact)) return;
  std::vector<std::uint8_t> again(storage::sealed_fact_size(fact));
  storage::write_sealed_fact(fact, again);
  GRID_CHECK(equal(again, plain));
}

// What opens is what was sealed; one byte changed does not.
void check_piece(test::Script& script) {
  const Bytes place = script.take(script.below(Sealer::kPlaceBytesMax + 1));
  const std::size_t at = script.number(2), flip = script.number(1);
  const Bytes text = script.take(4'096);
  static Sealer sealer(*Key::parse(as_bytes("thirty-two bytes that are a key.")), nullptr, as_bytes("sixteen bytes id"),
                       rise);
  std::vector<std::uint8_t> plain(text.size());
  if (text.size() >= Sealer::kOverhead) {
    plain.resize(text.size() - Sealer::kOverhead);
    GRID_CHECK(sealer.open(place, text, plain) != Status::ok);
    plain.resize(text.size());
  }
  std::vector<std::uint8_t> piece(text.size() + Sealer::kOverhead);
  copy(text, MutBytes(piece).subspan(Sealer::kHeadBytes));
  sealer.seal(place, piece);
  GRID_CHECK(sealer.open(place, piece, plain) == Status::ok && equal(plain, text));
  piece[at % piece.size()] = static_cast<std::uint8_t>(piece[at % piece.size()] ^ flip);
  GRID_CHECK((sealer.open(place, piece, plain) == Status::ok) == (flip == 0));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::Script script({data, size});
  switch (script.below(4)) {
    case 0:
      return check_op(script.take(size)), 0;
    case 1:
      return check_fact(script.take(size)), 0;
    case 2:
      return check_piece(script), 0;
    default:
      return static_cast<void>(Key::parse(script.take(size))), 0;
  }
}
