// SPDX-License-Identifier: Apache-2.0
//
// The small texts that people write on a command line: durations, addresses, stamps, names, patterns.
#include <string>

#include "cli/duration.h"
#include "cli/names.h"
#include "crdt/base/check.h"
#include "crdt/cell.h"
#include "crdt/stamp.h"
#include "runtime/scope.h"
#include "tests/fuzz/target.h"
#include "transport/lws/address.h"

namespace {

using namespace grid;

void check_duration(std::string_view text) {
  const std::optional<std::uint64_t> ms = cli::milliseconds_of(text);
  if (!ms) return;
  GRID_CHECK(*ms <= 100ull * 366 * 24 * 3'600 * 1'000);
  GRID_CHECK(cli::milliseconds_of(std::to_string(*ms) + "ms") == ms);
}

bool is_same(const transport::HostPort& a, const transport::HostPort& b) {
  return a.host == b.host && a.port == b.port;
}

void check_address(std::string_view text) {
  const Result<transport::HostPort> at = transport::parse_host_port(text);
  if (at.ok()) {
    const Result<transport::HostPort> again = transport::parse_host_port(at->text());
    GRID_CHECK(!at->host.empty() && again.ok() && is_same(*again, *at));
  }
  const Result<transport::Url> url = transport::parse_url(text);
  if (!url.ok()) return;
  const Result<transport::Url> again = transport::parse_url(url->text());
  GRID_CHECK(again.ok() && is_same(again->at, url->at) && again->tls == url->tls);
}

void check_stamp(std::string_view text) {
  const Result<crdt::Stamp> stamp = crdt::parse_stamp(text);
  if (!stamp.ok()) return;
  char again[crdt::Stamp::kTextBytes];
  crdt::format(*stamp, again);
  GRID_CHECK(std::string_view(again, sizeof(again)) == text);
}

// Every stamp has a text, and texts sort as stamps do.
void check_stamps(Bytes bytes) {
  if (bytes.size() < 2 * crdt::Stamp::kBytes) return;
  const crdt::Stamp a = crdt::Stamp::read(bytes.data()), b = crdt::Stamp::read(bytes.data() + crdt::Stamp::kBytes);
  char text_a[crdt::Stamp::kTextBytes], text_b[crdt::Stamp::kTextBytes];
  crdt::format(a, text_a);
  crdt::format(b, text_b);
  const std::string_view left(text_a, sizeof(text_a)), right(text_b, sizeof(text_b));
  constexpr std::uint64_t kYear9999EndMs = 253'402'300'799'999;
  if (a.wall_ms() > kYear9999EndMs || b.wall_ms() > kYear9999EndMs) return;
  GRID_CHECK((left <=> right) == (a <=> b));
  const Result<crdt::Stamp> again = crdt::parse_stamp(left);
  GRID_CHECK(again.ok() && *again == a);
}

void check_names(std::string_view text) {
  GRID_CHECK(cli::trouble_with_key(text).empty() == (crdt::check_name({"map", text}) == Status::ok));
  GRID_CHECK(cli::trouble_with_map(text).empty() == (crdt::check_map_name(text) == Status::ok));
  GRID_CHECK(crdt::is_utf8(cli::trouble_with_key(text)) && crdt::is_utf8(cli::trouble_with_app(text)));
  const runtime::Scope scope = runtime::scope_of_pattern("map", text);
  if (scope.check() == Status::ok) GRID_CHECK(scope.matches({"map", scope.text.empty() ? "any" : scope.text}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  check_duration(text);
  check_address(text);
  check_stamp(text);
  check_stamps({data, size});
  check_names(text);
  return 0;
}
