// SPDX-License-Identifier: Apache-2.0
//
// check_value() against everything that isn't a canonical value. tests/golden/malformed.txt holds one case a line.

#include <string>
#include <vector>

#include "crdt/value.h"
#include "tests/unit/crdt/hex.h"
#include "tests/unit/crdt/value_model.h"

namespace grid::test {
namespace {

using crdt::check_value;

void every_malformed_value_is_refused_for_its_reason(void**) {
  for (const std::vector<std::string>& line : golden(GRID_GOLDEN, "malformed.txt", 3)) {
    const Encoded encoded{Bytes(unhex(line[2]))};
    const Status status = check_value(encoded.bytes());
    if (name_of(status) != line[1]) fail_msg("%s: %s, not %s", line[0].c_str(), name_of(status), line[1].c_str());
  }
}

void a_value_that_is_cut_anywhere_or_goes_on_is_corrupt(void**) {
  Dice dice;
  for (int i = 0; i < 500; ++i) {
    const Encoded whole = encode(drawn_model(dice, 3));
    for (std::size_t size = 0; size < whole.size; ++size) {
      const Encoded cut(whole.bytes().first(size));
      assert_status(check_value(cut.bytes()), Status::corrupt);
    }
    for (const std::string& more : {std::string(1, '\0'), std::string("\x08\x00", 2), dice.bytes(3)}) {
      const std::string longer = std::string(as_text(whole.bytes())) + more;
      assert_status(check_value(as_bytes(longer)), Status::corrupt);
    }
  }
}

// A tag, and a body of `length` bytes whose own length is minimal.
std::string sized(char tag, const std::string& body) {
  std::string text(1, tag);
  std::size_t size = body.size();
  for (; size >= 0x80; size >>= 7) text += static_cast<char>(size | 0x80);
  return text + static_cast<char>(size) + body;
}

std::string nested(std::size_t depth) {
  std::string value("\x08\x00", 2);
  for (std::size_t i = 0; i < depth; ++i) {
    value = i % 2 == 0 ? sized('\x4a', sized('\x0a', value))
                       : sized('\x52', sized('\x0a', sized('\x0a', "n") + sized('\x12', value)));
  }
  return value;
}

void depth_ends_at_its_limit(void**) {
  assert_ok(check_value(as_bytes(nested(kValueDepthMax))));
  for (const std::size_t depth : {kValueDepthMax + 1, std::size_t{100}, std::size_t{5'000}}) {
    assert_status(check_value(as_bytes(nested(depth))), Status::too_large);
  }
}

void a_record_ends_at_its_limit(void**) {
  std::string fields;
  for (std::size_t i = 0; i <= crdt::kRecordFieldsMax; ++i) {
    if (i == crdt::kRecordFieldsMax) assert_ok(check_value(as_bytes(sized('\x52', fields))));
    fields += sized('\x0a', sized('\x0a', std::to_string(10'000 + i)) + sized('\x12', std::string("\x08\x00", 2)));
  }
  assert_status(check_value(as_bytes(sized('\x52', fields))), Status::too_large);
}

void a_list_may_be_as_long_as_its_bytes(void**) {
  std::string items;
  for (int i = 0; i < 100'000; ++i) items += std::string("\x0a\x02\x08\x00", 4);
  assert_ok(check_value(as_bytes(sized('\x4a', items))));
}

// Whatever is taken must be what a writer would have made of it.
void expect_canonical_if_taken(const std::string& bytes, std::size_t& taken) {
  const Encoded encoded(as_bytes(bytes));
  const Status status = check_value(encoded.bytes());
  assert_true(status == Status::ok || status == Status::corrupt || status == Status::too_large);
  if (status != Status::ok) return;
  ++taken;
  static std::uint8_t room[1 << 16];
  ValueWriter writer(room);
  rewrite(Value(encoded.bytes()), writer);
  const Result<Bytes> again = writer.finish();
  assert_ok(again.status());
  assert_true(equal(*again, encoded.bytes()));
}

void values_with_flipped_bytes_are_refused_or_canonical(void**) {
  Dice dice;
  std::size_t taken = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string bytes(as_text(encode(drawn_model(dice, 3)).bytes()));
    for (std::size_t flips = 1 + dice.below(3); flips > 0; --flips) {
      bytes[dice.below(bytes.size())] = static_cast<char>(dice.one_in(2) ? dice.below(256) : dice.below(0x14));
    }
    if (bytes.size() < 4'096) expect_canonical_if_taken(bytes, taken);
  }
  assert_true(taken > 1'000);
}

void random_bytes_are_refused_or_canonical(void**) {
  static const char kLikely[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x0a,
                                 0x10, 0x12, 0x18, 0x21, 0x2a, 0x4a, 0x52, 'a'};
  Dice dice;
  std::size_t taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = dice.bytes(dice.below(24));
    for (char& byte : bytes) {
      if (!dice.one_in(8)) byte = kLikely[dice.below(sizeof(kLikely))];
    }
    expect_canonical_if_taken(bytes, taken);
  }
  assert_true(taken > 100);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_malformed_value_is_refused_for_its_reason),
      cmocka_unit_test(a_value_that_is_cut_anywhere_or_goes_on_is_corrupt),
      cmocka_unit_test(depth_ends_at_its_limit),
      cmocka_unit_test(a_record_ends_at_its_limit),
      cmocka_unit_test(a_list_may_be_as_long_as_its_bytes),
      cmocka_unit_test(values_with_flipped_bytes_are_refused_or_canonical),
      cmocka_unit_test(random_bytes_are_refused_or_canonical),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
