// SPDX-License-Identifier: Apache-2.0
//
// TLS between a device and a server: who is refused, with which sentence, and that nothing else ever happens.

#include <optional>

#include "tests/unit/tls/server.h"
#include "transport/tls/tls_link.h"

namespace {

using namespace grid;
using namespace grid::test;
using transport::TlsLink;

constexpr std::uint64_t kNowMs = 1'650'000'000'000;
constexpr int kTurns = 20'000;

// One link after another to one server after another; the device trusts the one authority.
class Bench {
 public:
  Bench() { assert_ok(link.trust(authority())); }
  ~Bench() { assert_ok(link.trust({})); }

  void begin(std::string_view host = "localhost", std::uint64_t now_ms = kNowMs) {
    link.tell_time(now_ms);
    assert_ok(link.begin(host));
    pipe = Pipe();
    server.emplace(pipe);
    got.clear();
  }
  // What the link said last: io, or ok if it is up, or busy if it has come no further.
  Status shake_hands() {
    for (int i = 0; i < kTurns && pipe_moves(); ++i) {
      server->turn();
      if (!receive()) return Status::io;
      if (server->is_up && pipe.outgoing.empty() && pipe.incoming.empty()) return Status::ok;
    }
    return Status::busy;
  }
  bool receive() {
    std::uint8_t room[100];
    for (;;) {
      const Result<std::size_t> size = link.read(room);
      if (!size.ok()) return false;
      if (*size == 0) return true;
      got += as_text(Bytes(room).first(*size));
    }
  }
  // Sends `text`, and turns until so much of it is back.
  void echo(std::string_view text) {
    const std::string all(text);
    std::string_view rest = all;
    for (int i = 0; i < kTurns && (!rest.empty() || got.size() < text.size()); ++i) {
      const Result<std::size_t> took = link.write(as_bytes(rest));
      assert_ok(took.status());
      rest.remove_prefix(*took);
      server->turn();
      assert_true(receive());
    }
    assert_string_equal(got.c_str(), all.c_str());
  }

  Pipe pipe;
  TlsLink link{pipe, roll};
  std::optional<Server> server;
  std::string got;

 private:
  // A connection that stands still has nothing more to bring, once the first words were said.
  bool pipe_moves() {
    const std::size_t before = moved_;
    moved_ = pipe.arrived_bytes + pipe.incoming.size() + pipe.outgoing.size();
    still_ = before == moved_ ? still_ + 1 : 0;
    return still_ < 10;
  }

  std::size_t moved_ = 0;
  int still_ = 0;
};

void assert_refused(Bench& bench, const char* sentence) {
  assert_status(bench.shake_hands(), Status::io);
  assert_string_equal(bench.link.problem(), sentence);
  assert_status(bench.link.write(as_bytes("secret")).status(), Status::io);
  assert_true(bench.pipe.is_closed);
  assert_true(bench.server->heard.empty());
}

void a_server_that_proves_its_name_hears_everything_and_is_heard(void**) {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  bench.echo(std::string(9'000, 'x') + "end");
  assert_string_equal(bench.link.problem(), "");
}

void bytes_that_go_one_by_one_arrive_all_the_same(void**) {
  Bench bench;
  bench.begin();
  bench.pipe.piece = 1;
  bench.echo(std::string(3'000, 'y') + "end");
}

void what_a_full_connection_did_not_take_is_taken_later_and_once(void**) {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  bench.pipe.takes = 10;
  Result<std::size_t> took = bench.link.write(as_bytes("first and "));
  assert_ok(took.status());
  assert_int_equal(*took, 0);
  bench.pipe.takes = SIZE_MAX;
  took = bench.link.write(as_bytes("first and more"));  // As a sender does that has had more to say meanwhile.
  assert_ok(took.status());
  assert_int_equal(*took, 10);
  bench.echo("");
  took = bench.link.write(as_bytes("more"));
  assert_int_equal(*took, 4);
  bench.server->turn();
  assert_string_equal(bench.server->heard.c_str(), "first and more");
}

void nothing_is_sent_in_the_clear_before_the_server_has_proven_itself(void**) {
  Bench bench;
  bench.begin();
  for (int i = 0; i < 10; ++i) {
    const Result<std::size_t> took = bench.link.write(as_bytes("a row of the device"));
    assert_ok(took.status());
    assert_int_equal(*took, 0);
  }
  assert_true(bench.pipe.outgoing.find("a row") == std::string::npos);
}

void a_certificate_for_another_name_is_refused(void**) {
  Bench bench;
  bench.begin("gateway.example");
  assert_refused(bench, "the server's certificate is for another name than gateway.example");
}

void a_certificate_of_a_stranger_is_refused(void**) {
  Bench bench;
  assert_ok(bench.link.trust(stranger()));
  bench.begin();
  assert_refused(bench, "the server's certificate is not from whom this device trusts");
}

void certificates_are_held_to_their_dates_to_the_second(void**) {
  Bench bench;
  for (const std::uint64_t now_ms : {kValidFromMs, kValidToMs}) {
    bench.begin("localhost", now_ms);
    assert_status(bench.shake_hands(), Status::ok);
  }
  bench.begin("localhost", kValidToMs + 1'000);
  assert_refused(bench, "the server's certificate has expired");
  bench.begin("localhost", kValidFromMs - 1'000);
  assert_refused(bench, "the server's certificate is not valid yet, or this device's time is wrong");
}

void while_the_time_is_unknown_dates_are_not_checked_and_then_they_are(void**) {
  Bench bench;
  bench.begin("localhost", 0);
  assert_status(bench.shake_hands(), Status::ok);
  bench.link.tell_time(kNowMs);
  bench.echo("valid");
  bench.begin("localhost", 0);
  assert_status(bench.shake_hands(), Status::ok);
  bench.link.tell_time(kValidToMs + 1'000);  // What the server itself has told, say.
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "the server's certificate has expired");
  assert_true(bench.pipe.is_closed);
}

void a_time_that_is_told_in_the_middle_of_a_handshake_counts(void**) {
  Bench bench;
  bench.begin("localhost", 0);
  assert_true(bench.receive());
  bench.server->turn();
  assert_true(bench.receive());  // By now the certificate has been judged.
  assert_true(bench.pipe.incoming.empty());
  bench.link.tell_time(kValidToMs + 1'000);
  assert_refused(bench, "the server's certificate has expired");
}

void a_server_that_speaks_no_tls_is_refused(void**) {
  Bench bench;
  bench.begin();
  assert_true(bench.receive());
  bench.pipe.incoming = "HTTP/1.1 400 Bad Request\r\n\r\n";
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "the server speaks no TLS");
}

void a_server_that_hangs_up_without_an_answer_is_told_from_one_that_was_never_there(void**) {
  Bench bench;
  bench.begin();
  assert_true(bench.receive());
  bench.pipe.is_closed = true;
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "TLS: the server ended the connection instead of an answer");
  bench.begin();
  bench.pipe.takes = 0;
  assert_true(bench.receive());
  bench.pipe.is_closed = true;
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "");
}

void a_server_without_the_cipher_suite_is_refused_with_its_alert(void**) {
  Bench bench;
  bench.begin();
  assert_true(bench.receive());
  bench.pipe.incoming = std::string("\x15\x03\x03\x00\x02\x02\x28", 7);
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "TLS: the server refuses, with alert 40");
}

void a_goodbye_of_the_server_is_no_problem(void**) {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  bench.server->say(as_bytes("last words"));
  bench.server->goodbye();
  assert_false(bench.receive());
  assert_string_equal(bench.got.c_str(), "last words");
  assert_string_equal(bench.link.problem(), "");
}

void a_record_that_was_changed_on_its_way_is_not_believed(void**) {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  bench.server->say(as_bytes("give all to Mallory"));
  bench.pipe.incoming[20] ^= 1;
  assert_false(bench.receive());
  assert_true(bench.got.empty());
  assert_string_equal(bench.link.problem(), "TLS: the connection broke (mbedTLS says -0x7180)");
}

void a_record_that_no_buffer_here_holds_ends_the_link(void**) {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  bench.pipe.incoming = std::string("\x17\x03\x03\xff\xff", 5) + std::string(70'000, 'z');
  assert_false(bench.receive());
  assert_string_equal(bench.link.problem(), "TLS: the server sends larger records than there is room for");
}

// How many bytes of the server a handshake takes.
std::size_t handshake_bytes() {
  Bench bench;
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
  return bench.pipe.arrived_bytes;
}

// BND-1
void a_handshake_that_is_cut_anywhere_ends_with_a_sentence_and_the_next_link_is_up(void**) {
  const std::size_t end = handshake_bytes();
  Bench bench;
  for (std::size_t cut = 0; cut < end; cut += 7) {
    bench.begin();
    bench.pipe.cut_after = cut;
    assert_status(bench.shake_hands(), Status::io);
    assert_string_equal(bench.link.problem(), "TLS: the server ended the connection instead of an answer");
  }
  bench.begin();
  assert_status(bench.shake_hands(), Status::ok);
}

// Whether that byte is in the head of a record, which says no more than where the next one begins.
bool is_in_head(const std::string& records, std::size_t at) {
  constexpr std::size_t kHeadBytes = 5;
  const Bytes bytes = as_bytes(records);
  for (std::size_t start = 0; start + kHeadBytes <= bytes.size() && start <= at;) {
    if (at < start + kHeadBytes) return true;
    start += kHeadBytes + static_cast<std::size_t>(load_be<2>(bytes.data() + start + 3));
  }
  return false;
}

void a_handshake_with_any_byte_changed_brings_no_link_up(void**) {
  const std::size_t end = handshake_bytes();
  Bench bench;
  for (std::size_t at = 0; at < end; at += 3) {
    bench.begin();
    bench.pipe.changed = at;
    const bool is_up = bench.shake_hands() == Status::ok;  // A length that grew is still being waited for.
    const std::string& sent = bench.pipe.sent_by_server;
    if (at >= sent.size() || is_in_head(sent, at)) continue;  // Signatures differ in length by a byte or two.
    if (is_up) fail_msg("byte %zu", at);
    assert_true(bench.got.empty());
    assert_true(bench.server->heard.empty());
    bench.link.close();
  }
}

void a_certificate_that_cannot_be_read_is_an_argument_that_is_wrong(void**) {
  Pipe pipe;
  TlsLink link(pipe, roll);
  assert_status(link.begin("localhost"), Status::invalid);
  assert_string_equal(link.problem(), "wss:// needs a certificate to judge the server's by");
  assert_status(link.trust(as_bytes("no certificate")), Status::invalid);
  assert_int_equal(std::string_view(link.problem()).find("the certificate that is to be trusted can't be read"), 0);
  assert_status(link.trust(authority().first(400)), Status::invalid);
  assert_status(link.begin("localhost"), Status::invalid);
  mbedtls_x509_crt parsed;
  mbedtls_x509_crt_init(&parsed);
  assert_int_equal(mbedtls_x509_crt_parse(&parsed, authority().data(), authority().size()), 0);
  assert_ok(link.trust({parsed.raw.p, parsed.raw.len}));
  mbedtls_x509_crt_free(&parsed);
  assert_status(link.begin(""), Status::invalid);
  assert_status(link.begin(std::string(254, 'a')), Status::invalid);
  assert_ok(link.begin(std::string(253, 'a')));
  assert_ok(link.trust({}));
  assert_status(link.begin("localhost"), Status::invalid);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_server_that_proves_its_name_hears_everything_and_is_heard),
      cmocka_unit_test(bytes_that_go_one_by_one_arrive_all_the_same),
      cmocka_unit_test(what_a_full_connection_did_not_take_is_taken_later_and_once),
      cmocka_unit_test(nothing_is_sent_in_the_clear_before_the_server_has_proven_itself),
      cmocka_unit_test(a_certificate_for_another_name_is_refused),
      cmocka_unit_test(a_certificate_of_a_stranger_is_refused),
      cmocka_unit_test(certificates_are_held_to_their_dates_to_the_second),
      cmocka_unit_test(while_the_time_is_unknown_dates_are_not_checked_and_then_they_are),
      cmocka_unit_test(a_time_that_is_told_in_the_middle_of_a_handshake_counts),
      cmocka_unit_test(a_server_that_speaks_no_tls_is_refused),
      cmocka_unit_test(a_server_that_hangs_up_without_an_answer_is_told_from_one_that_was_never_there),
      cmocka_unit_test(a_server_without_the_cipher_suite_is_refused_with_its_alert),
      cmocka_unit_test(a_goodbye_of_the_server_is_no_problem),
      cmocka_unit_test(a_record_that_was_changed_on_its_way_is_not_believed),
      cmocka_unit_test(a_record_that_no_buffer_here_holds_ends_the_link),
      cmocka_unit_test(a_handshake_that_is_cut_anywhere_ends_with_a_sentence_and_the_next_link_is_up),
      cmocka_unit_test(a_handshake_with_any_byte_changed_brings_no_link_up),
      cmocka_unit_test(a_certificate_that_cannot_be_read_is_an_argument_that_is_wrong),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
