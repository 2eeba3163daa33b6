// SPDX-License-Identifier: Apache-2.0
//
// Two ends of a line: frames both ways, noise, lost frames, restarts, goodbyes.

#include <algorithm>
#include <fstream>
#include <vector>

#include "tests/unit/crdt/dice.h"
#include "tests/unit/stream/pair.h"

namespace {

using namespace grid;
using namespace grid::test;

void a_line_opens_and_carries_frames_both_ways(void**) {
  Pair pair;
  pair.device.link.open(7);
  pair.gateway.link.accept();
  assert_true(pair.device.link.room().empty());
  pair.settle();
  pair.device.send("up");
  pair.gateway.send("down");
  pair.settle();
  pair.device.send("");
  pair.settle();
  assert_string_equal(pair.device.story.c_str(), "opened\nframe down\n");
  assert_string_equal(pair.gateway.story.c_str(), "opened\nframe up\nframe \n");
  assert_int_equal(pair.device.link.dropped() + pair.gateway.link.dropped(), 0);
}

void frames_of_every_size_fit_the_memory_that_is_asked_for_them(void**) {
  Dice dice;
  for (const std::size_t size : {0u, 1u, 253u, 254u, 255u, 512u, 4'096u, 65'536u, 1'000'003u, 2u * 1'048'576}) {
    Pair pair(size);
    pair.open();
    assert_true(pair.device.link.room().size() >= size);
    const std::string frame = dice.bytes(size);
    pair.device.send(frame);
    assert_true(pair.device.link.room().empty());
    pair.settle();
    assert_true(pair.gateway.story == "frame " + frame + "\n");
  }
  for (std::size_t size = 0; size < 20'000; ++size) {
    const std::size_t sending = StreamLink::sending_bytes(size);
    const std::size_t before = transport::stuffing_bytes(sending) + StreamLink::kHeadBytes;
    assert_true(sending - before - StreamLink::kChecksumBytes >= size);
  }
}

// Every byte of a frame changed in every bit, or left out, or doubled: it never comes wrong, and the next one comes.
void a_changed_frame_is_dropped_and_counted_and_the_next_one_comes(void**) {
  Pair pair;
  pair.open();
  const std::string payload("a\0frame\0\0with zeros", 19);
  for (std::size_t at = 0; at < 40; ++at) {
    for (int change = 0; change < 10; ++change) {
      std::string line = pair.device.flush(payload);
      if (at >= line.size()) return;
      if (change < 8) line[at] = static_cast<char>(line[at] ^ 1 << change);
      if (change == 8) line.erase(at, 1);
      if (change == 9) line.insert(at, 1, line[at]);
      const std::uint32_t dropped = pair.gateway.link.dropped();
      pair.gateway.story.clear();
      pair.gateway.hear(line + pair.device.flush("next"));
      // Around a frame a zero more or less does not matter.
      const bool was_lost = pair.gateway.story == "missed\nframe next\n" && pair.gateway.link.dropped() > dropped;
      assert_true(was_lost || pair.gateway.story == "frame " + payload + "\nframe next\n");
      assert_true(was_lost || at == 0 || at + 1 == line.size() || change >= 8);
    }
  }
}

void noise_never_becomes_a_frame_and_frames_behind_it_come(void**) {
  Dice dice;
  Pair pair;
  pair.open();
  std::size_t came = 0, sent = 0;
  for (int run = 0; run < 3'000; ++run) {
    std::string line = pair.device.flush("frame " + std::to_string(run));
    for (std::size_t i = dice.below(4); i-- > 0;) {
      const std::size_t at = dice.below(line.size() + 1);
      switch (dice.below(3)) {
        case 0:
          line.insert(at, dice.bytes(dice.below(300)));
          break;
        case 1:
          line.erase(at, dice.below(20));
          break;
        default:
          if (at < line.size()) line[at] = static_cast<char>(dice.any());
      }
      if (line.empty()) break;
    }
    ++sent;
    pair.gateway.story.clear();
    pair.gateway.hear(line + pair.device.flush("clean"));
    std::string story = pair.gateway.story;
    for (std::size_t at; (at = story.find("missed\n")) != story.npos;) story.erase(at, std::strlen("missed\n"));
    const bool has_come = story == "frame frame " + std::to_string(run) + "\nframe clean\n";
    assert_true(has_come || story == "frame clean\n");
    came += has_come ? 1u : 0u;
  }
  assert_true(came > 0 && came < sent);
}

// A value may hold the bytes of a frame: whatever is torn, it is not taken for one.
void a_frame_within_a_frame_is_never_taken_for_one(void**) {
  Pair pair;
  pair.open();
  const std::string forged = pair.device.flush("forged");
  for (std::size_t cut = 0; cut < forged.size() + 20; ++cut) {
    const std::string line = pair.device.flush(forged);
    pair.gateway.story.clear();
    pair.gateway.hear(line.substr(std::min(cut, line.size())));
    assert_null(std::strstr(pair.gateway.story.c_str(), "frame forged"));
  }
}

void the_loss_of_the_last_frame_comes_out_by_a_ping(void**) {
  Pair pair;
  pair.open();
  pair.device.flush("lost");
  pair.device.link.ping();
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "missed\n");
  assert_string_equal(pair.device.story.c_str(), "pong\n");
  pair.gateway.flush("lost as well");
  pair.device.link.ping();
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "missed\n");
  assert_string_equal(pair.device.story.c_str(), "pong\nmissed\n");
  pair.device.send("on");
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "missed\nframe on\n");
}

void a_ping_goes_behind_the_frame_that_it_counts(void**) {
  Pair pair;
  pair.open();
  pair.device.send("frame");
  pair.device.link.sent(1);
  pair.device.link.ping();
  pair.gateway.hear(std::string(1, '\0') + pair.device.flush());
  assert_string_equal(pair.gateway.story.c_str(), "frame frame\n");
}

void a_request_that_is_lost_is_asked_again(void**) {
  Pair pair;
  pair.gateway.link.accept();
  pair.device.link.open(9);
  pair.device.flush();
  pair.device.link.ping();
  pair.gateway.hear(pair.device.flush());
  pair.gateway.flush();  // The answer is lost too.
  pair.device.link.ping();
  pair.settle();
  assert_string_equal(pair.device.story.c_str(), "opened\n");
  assert_string_equal(pair.gateway.story.c_str(), "opened\n");
}

void a_device_that_starts_anew_is_told_from_the_one_before(void**) {
  Pair pair;
  pair.open(1);
  pair.gateway.send("for the session before");
  const std::string late = pair.gateway.flush();
  pair.device.link.open(2);
  pair.device.hear(late);
  pair.settle();
  pair.device.send("first");
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "opened\nframe first\n");
  assert_string_equal(pair.device.story.c_str(), "opened\n");
  assert_int_equal(pair.device.link.dropped(), 1);
}

void a_gateway_that_starts_anew_tells_a_device_that_goes_on(void**) {
  Pair pair;
  pair.open();
  pair.gateway.link.accept();
  pair.device.send("into the void");
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "");
  assert_string_equal(pair.device.story.c_str(), "closed io: the peer closed the link: 1001\n");
}

void a_goodbye_goes_behind_what_was_sent_and_is_answered(void**) {
  Pair pair;
  pair.open();
  pair.device.send("last words");
  pair.device.link.close(1'000, "done");
  assert_true(pair.device.link.room().empty() && !pair.device.link.is_over());
  pair.settle();
  assert_string_equal(pair.gateway.story.c_str(), "frame last words\nclosed io: the peer closed the link: 1000 done\n");
  assert_string_equal(pair.device.story.c_str(), "closed ok: done\n");
  assert_true(pair.device.link.is_over() && pair.gateway.link.is_over());
}

void a_reason_that_is_too_long_is_cut(void**) {
  Pair pair;
  pair.open();
  pair.device.link.close(1'000, std::string(500, '\xff'));
  pair.settle();
  assert_true(pair.gateway.story == "closed io: the peer closed the link: 1000 " + std::string(123, '?') + "\n");
}

void another_version_is_refused_by_both(void**) {
  const std::string sentence =
      "closed newer: the peer speaks another version of the line's framing: this one speaks 1\n";
  Pair pair;
  pair.gateway.link.accept();
  pair.gateway.hear(line_of(1, 5, 0, "\x02 and more"));
  assert_true(pair.gateway.story == sentence);
  pair.device.link.open(5);
  pair.device.flush();
  pair.device.hear(pair.gateway.flush());
  assert_string_equal(
      pair.device.story.c_str(),
      "closed io: the peer closed the link: 1002 the peer speaks another version of the line's framing: "
      "this one speaks 1\n");
  pair.device.link.open(6);
  pair.device.story.clear();
  pair.device.hear(line_of(2, 6, 0, "\x02"));
  assert_true(pair.device.story == sentence);
}

void the_bytes_are_those_that_another_encoder_makes(void**) {
  Pair pair;
  pair.device.link.open(0x1234);
  assert_true(pair.device.flush() == line_of(1, 0x1234, 0, "\x01"));
  pair.gateway.link.accept();
  pair.gateway.hear(line_of(1, 0x1234, 0, "\x01"));
  assert_true(pair.gateway.flush() == line_of(2, 0x1234, 0, "\x01"));
  pair.device.hear(line_of(2, 0x1234, 0, "\x01"));
  assert_true(pair.device.flush("zero") == line_of(3, 0x1234, 0, "zero"));
  assert_true(pair.device.flush("one") == line_of(3, 0x1234, 1, "one"));
  pair.device.link.ping();
  assert_true(pair.device.flush() == line_of(4, 0x1234, 2, ""));
  pair.device.hear(line_of(4, 0x1234, 0, ""));
  assert_true(pair.device.flush() == line_of(5, 0x1234, 2, ""));
  pair.device.link.close(0x0102, "bye");
  assert_true(pair.device.flush() == line_of(6, 0x1234, 2,
                                             "\x02\x01"
                                             "bye"));
}

// Each ```packet NAME of the page, with its bytes.
std::string packets_of_the_page() {
  std::string packets;
  bool is_inside = false;
  std::ifstream page(GRID_WIRE_PAGE);
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      is_inside = line.starts_with("```packet ");
      continue;
    }
    line.erase(0, line.find_first_not_of(' '));
    for (const std::string& word : words_of(line.substr(0, line.find("  ")))) packets += is_inside ? word : "";
  }
  return packets;
}

void the_page_shows_what_goes(void**) {
  Pair pair;
  pair.device.link.open(0x1234);
  std::string line = pair.device.flush();
  pair.device.hear(line_of(2, 0x1234, 0, "\x01"));
  line += pair.device.flush("\x0c\x08\x07\x10\x01");
  pair.device.link.close(1'000, "bye");
  line += pair.device.flush();
  assert_string_equal(hex(as_bytes(line)).c_str(), packets_of_the_page().c_str());
}

// BND-1: whole packets, rightly summed, that nobody should send.
void a_packet_that_makes_no_sense_is_dropped_and_counted(void**) {
  Pair pair;
  pair.open(5);
  std::uint32_t dropped = 0;
  for (const std::string& line :
       {line_of(0, 5, 0, ""), line_of(7, 5, 0, "x"), line_of(255, 5, 0, ""), line_of(3, 5, 0, "short", 1),
        line_of(3, 5, 0, "long", -1), line_of(3, 6, 0, "of another session"), line_of(6, 6, 0, ""),
        line_of(2, 5, 0, "\x01"), line_of(3, 5, 0, std::string(301, 'x'))}) {
    pair.gateway.hear(line);
    assert_int_equal(pair.gateway.link.dropped(), ++dropped);
  }
  assert_string_equal(pair.gateway.story.c_str(), "");
  pair.gateway.hear(line_of(3, 5, 0, std::string(300, 'x')));
  assert_true(pair.gateway.story == "frame " + std::string(300, 'x') + "\n");
}

void numbers_go_round(void**) {
  Pair pair;
  pair.open();
  for (int i = 0; i < 65'536 + 10; ++i) pair.gateway.hear(pair.device.flush("x"));
  assert_int_equal(pair.gateway.story.size(), (65'536 + 10) * std::strlen("frame x\n"));
}

void a_line_that_is_lost_says_when(void**) {
  Pair pair;
  pair.device.link.open(1);
  pair.device.link.lost();
  assert_string_equal(pair.device.link.problem(), "the line was lost before the peer answered");
  pair.open();
  pair.device.send("on its way");
  pair.device.link.lost();
  assert_status(pair.device.link.status(), Status::io);
  assert_string_equal(pair.device.link.problem(), "the line was lost");
  assert_true(pair.device.link.outgoing().empty() && pair.device.link.room().empty() && pair.device.link.is_over());
}

void two_devices_on_one_line_say_nothing_to_each_other(void**) {
  Pair pair;
  pair.device.link.open(3);
  pair.gateway.link.open(3);
  pair.settle();
  assert_false(pair.device.link.is_open() || pair.gateway.link.is_open());
  assert_int_equal(pair.device.link.dropped(), 1);
}

void a_stream_means_the_same_however_it_is_cut(void**) {
  Dice dice;
  for (int run = 0; run < 25; ++run) {
    LineEnd device;
    device.link.open(77);
    std::string stream = device.flush();
    LineEnd gateway;
    gateway.link.accept();
    gateway.hear(stream);
    device.hear(gateway.flush());
    for (std::size_t i = dice.below(8); i-- > 0;) {
      std::string line = device.flush(dice.bytes(dice.below(60)));
      if (dice.one_in(4)) line[dice.below(line.size())] ^= 4;
      if (dice.one_in(4)) line = dice.bytes(10);
      if (dice.one_in(6)) device.link.ping();
      stream += line + device.flush();
    }
    if (dice.one_in(2)) device.link.close(1'000, "bye");
    stream += device.flush();
    const auto told = [&](auto piece_bytes) {
      LineEnd end;
      end.link.accept();
      for (std::string_view rest = stream; !rest.empty();) {
        const std::size_t size = std::min<std::size_t>(rest.size(), piece_bytes());
        end.hear(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      return end.story + std::to_string(end.link.dropped()) + hex(as_bytes(end.flush()));
    };
    const std::string whole = told([&] { return stream.size(); });
    for (std::size_t first = 1; first < stream.size(); ++first) {
      bool is_first = true;
      assert_true(told([&] { return std::exchange(is_first, false) ? first : stream.size(); }) == whole);
    }
    assert_true(told([] { return 1; }) == whole);
    for (int i = 0; i < 10; ++i) assert_true(told([&] { return 1 + dice.below(30); }) == whole);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_line_opens_and_carries_frames_both_ways),
      cmocka_unit_test(frames_of_every_size_fit_the_memory_that_is_asked_for_them),
      cmocka_unit_test(a_changed_frame_is_dropped_and_counted_and_the_next_one_comes),
      cmocka_unit_test(noise_never_becomes_a_frame_and_frames_behind_it_come),
      cmocka_unit_test(a_frame_within_a_frame_is_never_taken_for_one),
      cmocka_unit_test(the_loss_of_the_last_frame_comes_out_by_a_ping),
      cmocka_unit_test(a_ping_goes_behind_the_frame_that_it_counts),
      cmocka_unit_test(a_request_that_is_lost_is_asked_again),
      cmocka_unit_test(a_device_that_starts_anew_is_told_from_the_one_before),
      cmocka_unit_test(a_gateway_that_starts_anew_tells_a_device_that_goes_on),
      cmocka_unit_test(a_goodbye_goes_behind_what_was_sent_and_is_answered),
      cmocka_unit_test(a_reason_that_is_too_long_is_cut),
      cmocka_unit_test(another_version_is_refused_by_both),
      cmocka_unit_test(the_bytes_are_those_that_another_encoder_makes),
      cmocka_unit_test(the_page_shows_what_goes),
      cmocka_unit_test(a_packet_that_makes_no_sense_is_dropped_and_counted),
      cmocka_unit_test(numbers_go_round),
      cmocka_unit_test(a_line_that_is_lost_says_when),
      cmocka_unit_test(two_devices_on_one_line_say_nothing_to_each_other),
      cmocka_unit_test(a_stream_means_the_same_however_it_is_cut),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
