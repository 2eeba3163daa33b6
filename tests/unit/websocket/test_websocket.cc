// SPDX-License-Identifier: Apache-2.0
//
// Frames both ways, byte by byte: RFC 6455's examples, limits, faults, goodbyes, and streams cut everywhere.

#include <set>

#include "tests/unit/crdt/dice.h"
#include "tests/unit/websocket/client.h"

namespace {

using namespace grid;
using namespace grid::test;

constexpr std::size_t kSizes[] = {0, 1, 2, 125, 126, 127, 4'000, 65'535, 65'536, 100'000};

std::string bytes_of(const char* hex_text) {
  const std::vector<std::uint8_t> bytes = unhex(hex_text);
  return std::string(bytes.begin(), bytes.end());
}

// RFC 6455, section 5.7, those that a server may send, as binary messages.
void the_examples_of_the_rfc_are_understood(void**) {
  Client client(65'536);
  client.open_up();
  client.hear(bytes_of("820548656c6c6f"));
  client.hear(bytes_of("020348656c") + bytes_of("80026c6f"));
  assert_string_equal(client.story.c_str(), "frame Hello\nframe Hello\n");

  client.hear(bytes_of("890548656c6c6f"));
  std::string gone = client.flush();
  const ClientFrame pong = take_client_frame(gone);
  assert_int_equal(pong.first, 0x8a);
  assert_string_equal(pong.payload.c_str(), "Hello");

  client.story.clear();
  const std::string small(256, 's'), large(65'536, 'l');
  client.hear(bytes_of("827e0100") + small + bytes_of("827f0000000000010000") + large);
  assert_true(client.story == "frame " + small + "\nframe " + large + "\n");
}

void frames_of_every_size_come_whole(void**) {
  Client client(100'000);
  client.open_up();
  for (const std::size_t size : kSizes) {
    const std::string payload(size, 'p');
    client.story.clear();
    client.hear(server_frame(0x82, payload));
    assert_true(client.story == "frame " + payload + "\n");
  }
}

void frames_of_every_size_go_whole_and_masked(void**) {
  Dice dice;
  for (const std::size_t more : {8u, 14u}) {
    for (const std::size_t size : kSizes) {
      if (more == 8 && size > 65'535) continue;
      Client client(512, std::max<std::size_t>(512, size + more));
      client.open_up();
      const std::string payload = dice.bytes(size);
      client.send(payload);
      assert_true(client.socket.room().empty());
      std::string gone = client.flush();
      const ClientFrame frame = take_client_frame(gone);
      assert_int_equal(frame.first, 0x82);
      assert_true(frame.payload == payload);
      assert_true(gone.empty());
      assert_false(client.socket.room().empty());
    }
  }
}

void memory_for_a_frame_and_its_overhead_is_enough(void**) {
  for (const std::size_t size : {512u, 4'096u, 65'535u, 65'536u, 2u * 1'048'576}) {
    Client client(512, size + WebSocket::kOverheadBytesMax);
    client.open_up();
    assert_true(client.socket.room().size() >= size);
  }
}

void no_mask_comes_twice_and_another_seed_gives_others(void**) {
  Client client;
  client.open_up();
  std::set<std::string> masks;
  for (int i = 0; i < 1'000; ++i) {
    client.send("the same");
    std::string gone = client.flush();
    masks.insert(take_client_frame(gone).mask);
  }
  assert_int_equal(masks.size(), 1'000);
  std::string other_seed(kSeed);
  other_seed.back() ^= 1;
  assert_ok(client.socket.open({.host = "a", .path = "/"},
                               std::span<const std::uint8_t, WebSocket::kSeedBytes>(as_bytes(other_seed))));
  client.flush();
  client.hear(kAnswer);
  client.send("the same");
  std::string gone = client.flush();
  assert_false(masks.contains(take_client_frame(gone).mask));
}

void control_frames_may_stand_between_fragments(void**) {
  Client client;
  client.open_up();
  client.hear(server_frame(0x02, "one ") + server_frame(0x89, "ping") + server_frame(0x00, "") +
              server_frame(0x8a, "unasked") + server_frame(0x00, "two ") + server_frame(0x80, "three"));
  assert_string_equal(client.story.c_str(), "pong\nframe one two three\n");
  std::string gone = client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "ping");
}

void of_pings_that_wait_the_last_one_is_answered(void**) {
  Client client;
  client.open_up();
  client.hear(server_frame(0x89, "first"));
  client.hear(server_frame(0x89, "second") + server_frame(0x8a, "no ping") + server_frame(0x89, std::string(125, '3')));
  std::string gone = client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "first");
  assert_true(take_client_frame(gone).payload == std::string(125, '3'));
  assert_true(gone.empty());
}

// Its payload has the place of the one that waits.
void a_ping_that_has_come_in_half_is_not_answered_yet(void**) {
  Client client;
  client.open_up();
  const std::string third = server_frame(0x89, "third");
  client.hear(server_frame(0x89, "first") + server_frame(0x89, "second") + third.substr(0, 4));
  std::string gone = client.flush();
  client.hear(third.substr(4));
  gone += client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "first");
  assert_string_equal(take_client_frame(gone).payload.c_str(), "third");
  assert_true(gone.empty());
}

void a_ping_of_ours_is_answered(void**) {
  Client client;
  client.open_up();
  client.socket.ping();
  std::string gone = client.flush();
  assert_int_equal(take_client_frame(gone).first, 0x89);
  client.hear(server_frame(0x8a, ""));
  assert_string_equal(client.story.c_str(), "pong\n");
}

void a_frame_that_has_begun_is_not_interrupted(void**) {
  Client client;
  client.open_up();
  client.send("a frame");
  std::string gone(1, static_cast<char>(client.socket.outgoing()[0]));
  client.socket.sent(1);
  client.hear(server_frame(0x89, "ping"));
  client.socket.close(1'000, "bye");
  while (!client.socket.outgoing().empty()) {
    gone += static_cast<char>(client.socket.outgoing()[0]);
    client.socket.sent(1);
  }
  assert_string_equal(take_client_frame(gone).payload.c_str(), "a frame");
  assert_string_equal(take_client_frame(gone).payload.c_str(), "ping");
  assert_string_equal(take_client_frame(gone).payload.c_str(),
                      "\x03\xe8"
                      "bye");
  assert_true(gone.empty());
}

// Refuses the bytes, tells the owner why, and the server by a goodbye with `code`.
void refuses(const std::string& bytes, Status status, int code, const char* sentence) {
  Client client(200);
  client.open_up();
  client.hear(bytes + server_frame(0x82, "too late"));
  assert_string_equal(client.story.c_str(),
                      (std::string("closed ") + name_of(status) + ": " + sentence + "\n").c_str());
  std::string gone = client.flush();
  const ClientFrame goodbye = take_client_frame(gone);
  assert_int_equal(goodbye.first, 0x88);
  assert_true(goodbye.payload == big_endian(static_cast<std::uint64_t>(code), 2) + sentence);
  assert_true(gone.empty() && client.socket.is_over() && client.socket.room().empty());
}

void every_fault_of_a_peer_is_named_to_both(void**) {
  for (const char* frame : {"c200", "a200", "9200", "d900"}) {
    refuses(bytes_of(frame), Status::corrupt, 1'002, "the peer sent a frame with reserved bits");
  }
  refuses(bytes_of("828537fa213d7f9f4d5158"), Status::corrupt, 1'002, "the peer sent a masked frame");
  for (const char* frame : {"8300", "8700", "8b00", "8f00", "0f00"}) {
    refuses(bytes_of(frame), Status::corrupt, 1'002, "the peer sent a frame of an unknown opcode");
  }
  for (const char* frame : {"0900", "0a00", "0800"}) {
    refuses(bytes_of(frame), Status::corrupt, 1'002, "the peer sent a control frame in fragments");
  }
  for (const char* frame : {"897e007e", "887f", "8a7e"}) {
    refuses(bytes_of(frame), Status::corrupt, 1'002, "the peer sent a control frame of more than 125 bytes");
  }
  refuses(bytes_of("810548656c6c6f"), Status::corrupt, 1'003, "the peer sent a text frame");
  refuses(bytes_of("8000"), Status::corrupt, 1'002, "the peer continued a message that it had not begun");
  refuses(server_frame(0x02, "a") + server_frame(0x82, "b"), Status::corrupt, 1'002,
          "the peer began a message within a message");
  for (const char* frame : {"827e007d", "827e0000", "827f000000000000ffff", "827f0000000000000000",
                            "827f8000000000010000", "827fffffffffffffffff"}) {
    refuses(bytes_of(frame), Status::corrupt, 1'002, "the peer sent a length that is not written as it must be");
  }
}

// BND-1
void a_message_is_as_long_as_the_memory_and_no_longer(void**) {
  Client client(200);
  client.open_up();
  client.hear(server_frame(0x82, std::string(200, 'm')));
  client.hear(server_frame(0x02, std::string(150, 'm')) + server_frame(0x80, std::string(50, 'm')));
  const std::string line = "frame " + std::string(200, 'm') + "\n";
  assert_true(client.story == line + line);

  const char* const kSentence = "the peer sent a message of more than 200 bytes";
  refuses(server_frame(0x82, std::string(201, 'm')), Status::too_large, 1'009, kSentence);
  refuses(server_frame(0x02, std::string(150, 'm')) + server_frame(0x80, std::string(51, 'm')), Status::too_large,
          1'009, kSentence);
  for (const char* head : {"827effff", "827f0000000000010000", "827f0000000100000000", "827f7fffffffffffffff"}) {
    refuses(bytes_of(head), Status::too_large, 1'009, kSentence);
  }
}

std::string goodbye(int code, std::string_view reason) {
  return server_frame(0x88, big_endian(static_cast<std::uint64_t>(code), 2).append(reason));
}

void a_goodbye_is_told_and_answered_with_its_code(void**) {
  Client client;
  client.open_up();
  client.send("not sent yet");
  client.flush();
  client.hear(goodbye(1'001, "night\nfalls") + server_frame(0x82, "too late"));
  assert_string_equal(client.story.c_str(), "closed io: the peer closed the link: 1001 night?falls\n");
  assert_int_equal(client.socket.peer_code(), 1'001);
  std::string gone = client.flush();
  assert_true(take_client_frame(gone).payload == big_endian(1'001, 2));

  client.open_up();
  client.hear(server_frame(0x88, ""));
  assert_string_equal(client.story.c_str(), "closed io: the peer closed the link\n");
  gone = client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "");
}

void a_code_that_is_none_is_refused(void**) {
  const char* const kSentence = "the peer closed the link with a code that is none";
  for (const int code : {0, 999, 1'004, 1'005, 1'006, 1'015, 2'999, 5'000, 65'535}) {
    refuses(goodbye(code, ""), Status::corrupt, 1'002, kSentence);
  }
  refuses(server_frame(0x88, "x"), Status::corrupt, 1'002, kSentence);
  for (const int code : {1'000, 1'003, 1'007, 1'011, 3'000, 4'999}) {
    Client client;
    client.open_up();
    client.hear(goodbye(code, "x"));
    assert_status(client.socket.status(), Status::io);
  }
}

void our_goodbye_goes_behind_what_was_sent_and_ends_with_the_answer(void**) {
  Client client;
  client.open_up();
  client.send("last words");
  client.socket.close(1'000, "done");
  assert_true(client.socket.room().empty() && !client.socket.is_open() && !client.socket.is_over());
  std::string gone = client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "last words");
  assert_string_equal(take_client_frame(gone).payload.c_str(),
                      "\x03\xe8"
                      "done");
  client.hear(server_frame(0x82, "crossed") + server_frame(0x89, "crossed") + goodbye(1'000, ""));
  assert_string_equal(client.story.c_str(), "closed ok: done\n");
  assert_string_equal(client.flush().c_str(), "");
}

void a_reason_that_is_too_long_is_cut(void**) {
  Client client;
  client.open_up();
  client.socket.close(1'000, std::string(500, 'r'));
  std::string gone = client.flush();
  assert_true(take_client_frame(gone).payload == big_endian(1'000, 2) + std::string(123, 'r'));
}

// Everything that may come, in one stream; what is told of it, and what is answered when all has come.
std::string stream_of(Dice& dice) {
  std::string bytes(kAnswer);
  for (std::size_t i = 1 + dice.below(8); i-- > 0;) {
    const std::string payload(dice.below(4) == 0 ? 126 + dice.below(100) : dice.below(20), static_cast<char>('a' + i));
    switch (dice.below(5)) {
      case 0:
        bytes += server_frame(0x89, payload.substr(0, 125));
        break;
      case 1:
        bytes += server_frame(0x02, payload) + server_frame(0x8a, "") + server_frame(0x80, "end");
        break;
      default:
        bytes += server_frame(0x82, payload);
    }
  }
  switch (dice.below(4)) {
    case 0:
      return bytes + goodbye(1'001, "enough") + "ignored";
    case 1:
      return bytes + server_frame(0xc2, "fault") + "ignored";
    case 2:
      return bytes + server_frame(0x82, std::string(1'000, 'x'));
    default:
      return bytes;
  }
}

template <typename Cut>
std::string told(std::string_view stream, Cut piece_bytes) {
  Client client;
  assert_ok(client.open());
  while (!stream.empty()) {
    const std::size_t size = std::min<std::size_t>(stream.size(), piece_bytes());
    client.hear(stream.substr(0, size));
    stream.remove_prefix(size);
  }
  return client.story + hex(as_bytes(client.flush()));
}

void a_stream_means_the_same_however_it_is_cut(void**) {
  Dice dice;
  for (int run = 0; run < 25; ++run) {
    const std::string stream = stream_of(dice);
    const std::string whole = told(stream, [&] { return stream.size(); });
    for (std::size_t first = 0; first < stream.size(); ++first) {
      bool is_first = true;
      assert_true(told(stream, [&] { return std::exchange(is_first, false) ? first : stream.size(); }) == whole);
    }
    assert_true(told(stream, [] { return 1; }) == whole);
    for (int i = 0; i < 10; ++i) assert_true(told(stream, [&] { return dice.below(30); }) == whole);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_rfc_are_understood),
      cmocka_unit_test(frames_of_every_size_come_whole),
      cmocka_unit_test(frames_of_every_size_go_whole_and_masked),
      cmocka_unit_test(memory_for_a_frame_and_its_overhead_is_enough),
      cmocka_unit_test(no_mask_comes_twice_and_another_seed_gives_others),
      cmocka_unit_test(control_frames_may_stand_between_fragments),
      cmocka_unit_test(of_pings_that_wait_the_last_one_is_answered),
      cmocka_unit_test(a_ping_that_has_come_in_half_is_not_answered_yet),
      cmocka_unit_test(a_ping_of_ours_is_answered),
      cmocka_unit_test(a_frame_that_has_begun_is_not_interrupted),
      cmocka_unit_test(every_fault_of_a_peer_is_named_to_both),
      cmocka_unit_test(a_message_is_as_long_as_the_memory_and_no_longer),
      cmocka_unit_test(a_goodbye_is_told_and_answered_with_its_code),
      cmocka_unit_test(a_code_that_is_none_is_refused),
      cmocka_unit_test(our_goodbye_goes_behind_what_was_sent_and_ends_with_the_answer),
      cmocka_unit_test(a_reason_that_is_too_long_is_cut),
      cmocka_unit_test(a_stream_means_the_same_however_it_is_cut),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
