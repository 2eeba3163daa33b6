// SPDX-License-Identifier: Apache-2.0
//
// The framing of a line below its links: stuffing and the checksum.

#include <memory>
#include <string>

#include "tests/unit/crdt/dice.h"
#include "tests/unit/crdt/hex.h"
#include "transport/stream/cobs.h"
#include "transport/stream/crc32c.h"

namespace {

using namespace grid;
using namespace grid::test;
using transport::stuff;
using transport::stuffing_bytes;
using transport::Unstuffer;

// In memory that has not a byte too much.
std::string stuffed(std::string_view packet) {
  std::size_t before = stuffing_bytes(packet.size());
  while (before < stuffing_bytes(before + packet.size())) ++before;
  const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[before + packet.size()]);
  copy(as_bytes(packet), {memory.get() + before, packet.size()});
  return std::string(as_text(stuff({memory.get(), before + packet.size()}, before)));
}

std::string unstuffed(std::string_view line, std::size_t size_max) {
  const std::unique_ptr<std::uint8_t[]> memory(new std::uint8_t[size_max]);
  Unstuffer unstuffer({memory.get(), size_max});
  std::string told;
  for (const std::uint8_t byte : as_bytes(line)) {
    const Unstuffer::Found found = unstuffer.take(byte);
    if (found == Unstuffer::Found::packet) told.append("[").append(as_text(unstuffer.packet())).append("]");
    if (found == Unstuffer::Found::noise) told += "!";
  }
  return told;
}

// RFC 3720, appendix B.4.
void crc32c_is_that_of_iscsi(void**) {
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  assert_int_equal(transport::crc32c(as_bytes(std::string(32, '\0'))), 0x8a9136aa);
  assert_int_equal(transport::crc32c(as_bytes(std::string(32, '\xff'))), 0x62a8ab43);
  assert_int_equal(transport::crc32c(as_bytes(rising)), 0x46dd794e);
  assert_int_equal(transport::crc32c(as_bytes("123456789")), 0xe3069283);
  assert_int_equal(transport::crc32c({}), 0);
}

void small_packets_are_stuffed_as_written_by_hand(void**) {
  const auto check = [](const char* packet, const char* line) {
    const std::vector<std::uint8_t> bytes = unhex(packet);
    assert_string_equal(hex(as_bytes(stuffed(as_text(bytes)))).c_str(), line);
  };
  check("-", "000100");
  check("00", "00010100");
  check("0000", "0001010100");
  check("11", "00021100");
  check("11220033",
        "000311220233"
        "00");
  check("1100", "0002110100");
}

void every_size_comes_back_whatever_is_in_it(void**) {
  Dice dice;
  for (std::size_t size = 0; size < 1'100; ++size) {
    for (const int zeros : {0, 1, 2, 100}) {
      std::string packet = dice.bytes(size);
      for (char& byte : packet) byte = zeros != 0 && dice.one_in(static_cast<std::uint64_t>(zeros)) ? '\0' : byte | 1;
      const std::string line = stuffed(packet);
      assert_true(line.size() <= packet.size() + 3 + packet.size() / 254);
      assert_int_equal(line.find('\0', 1), line.size() - 1);
      assert_true(unstuffed(line, size) == "[" + packet + "]");
    }
  }
}

void what_is_no_packet_is_noise_and_the_next_one_is_found(void**) {
  const std::string good = stuffed("good");
  assert_string_equal(unstuffed(std::string("\0\0\0", 3) + good + good, 4).c_str(), "[good][good]");
  assert_string_equal(unstuffed("\x05"
                                "abc" +
                                    good,
                                4)
                          .c_str(),
                      "![good]");
  assert_string_equal(unstuffed(stuffed("goods") + good, 4).c_str(), "![good]");
  assert_string_equal(unstuffed("\xff" + std::string(10'000, 'x') + good, 4).c_str(), "![good]");
  assert_string_equal(unstuffed(good.substr(0, 4) + good, 4).c_str(), "![good]");
  assert_string_equal(unstuffed(good, 0).c_str(), "!");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(crc32c_is_that_of_iscsi),
      cmocka_unit_test(small_packets_are_stuffed_as_written_by_hand),
      cmocka_unit_test(every_size_comes_back_whatever_is_in_it),
      cmocka_unit_test(what_is_no_packet_is_noise_and_the_next_one_is_found),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
