// SPDX-License-Identifier: Apache-2.0

#include "server/host/config/keys.h"

#include <algorithm>
#include <charconv>
#include <type_traits>

namespace grid::server::config {

namespace {

using enum Takes;

constexpr std::uint64_t kDay = 86'400'000;

constexpr Key<Settings> kGatewayKeys[] = {
    {"listen",
     +[](Settings& all) -> std::vector<std::string>& { return all.listen; },
     on_restart,
     "Where devices and gridctl connect: ADDRESS:PORT, by TLS where there is a certificate; ws:// or wss:// before it "
     "says which. Port 0 takes a free one",
     {},
     1},
    {"data", +[](Settings& all) -> std::string& { return all.data; }, on_restart,
     "The directory of journals and databases"},
    {"engines",
     +[](Settings& all) -> std::uint64_t& { return all.engines; },
     on_restart,
     "Threads that apps are divided among; 0: they share the network's",
     {},
     0,
     16},
    {"stop_timeout",
     +[](Settings& all) -> Span& { return all.stop_timeout; },
     on_reload,
     "What a stopping gateway gives its databases to catch up; its journals keep what they did not take",
     {},
     0,
     kDay},
    {"drain_spread",
     +[](Settings& all) -> Span& { return all.drain_spread; },
     on_reload,
     "Over how long a draining gateway (SIGUSR2) ends its links, so that a fleet does not move all at once",
     {},
     0,
     kDay},
    {"log.level", +[](Settings& all) -> std::string& { return all.log.level; }, on_reload, "The least that is logged",
     "debug|info|warning|error"},
    {"log.format", +[](Settings& all) -> std::string& { return all.log.format; }, on_reload,
     "How: auto is journal where systemd's journal reads it, and logfmt elsewhere", "auto|logfmt|json|journal"},
    {"log.repeat",
     +[](Settings& all) -> Span& { return all.log.repeat; },
     on_reload,
     "The same line is said once in so long, and then with a count of those that were left out",
     {},
     0,
     kDay},
    {"tls.certificate", +[](Settings& all) -> std::string& { return all.tls.certificate; }, on_reload,
     "The file of the certificate, PEM, with those that vouch for it behind it; none: no TLS"},
    {"tls.key", +[](Settings& all) -> std::string& { return all.tls.key; }, on_reload,
     "The file of its private key, PEM, without a passphrase"},
    {"tls.client_ca", +[](Settings& all) -> std::string& { return all.tls.client_ca; }, on_reload,
     "The file of who vouches for the certificates of clients, PEM"},
    {"tls.client_certificates", +[](Settings& all) -> std::string& { return all.tls.client_certificates; }, on_reload,
     "Whether clients are asked for one: optional lets in who shows none, but none that is bad",
     "none|optional|required"},
    {"limits.connections",
     +[](Settings& all) -> std::uint64_t& { return all.limits.connections; },
     on_restart,
     "Connections at a time, of all apps",
     {},
     1,
     1'000'000},
    {"limits.connections_per_address",
     +[](Settings& all) -> std::uint64_t& { return all.limits.connections_per_address; },
     on_restart,
     "Connections at a time from one address, of IPv6 from one /64; 0: as many as from all",
     {},
     0,
     1'000'000},
    {"limits.half_open",
     +[](Settings& all) -> std::uint64_t& { return all.limits.half_open; },
     on_restart,
     "Connections that have not said a byte; when one more comes, the oldest goes",
     {},
     1,
     65'536},
    {"limits.handshake_timeout",
     +[](Settings& all) -> Span& { return all.limits.handshake_timeout; },
     on_restart,
     "From the connection to the whole head of its request, TLS included",
     {},
     1'000,
     300'000},
    {"limits.stall_timeout",
     +[](Settings& all) -> Span& { return all.limits.stall_timeout; },
     on_restart,
     "In which 1 KiB has to come of a frame or a body that was begun, and to be taken of what is sent; so "
     "long a link waits for its app to be opened",
     {},
     1'000,
     3'600'000},
    {"limits.header_max",
     +[](Settings& all) -> Size& { return all.limits.header_max; },
     on_restart,
     "The largest head of a request, its token included",
     {},
     2ull << 10,
     64ull << 10},
    {"limits.body_max",
     +[](Settings& all) -> Size& { return all.limits.body_max; },
     on_restart,
     "The largest body of a request by HTTP",
     {},
     0,
     1ull << 40},
    {"limits.frames_per_second",
     +[](Settings& all) -> std::uint64_t& { return all.limits.frames_per_second; },
     on_restart,
     "Frames of one link, of a burst on; beyond it the gateway reads later. 0: no limit",
     {},
     0,
     1'000'000},
    {"limits.frames_burst",
     +[](Settings& all) -> std::uint64_t& { return all.limits.frames_burst; },
     on_restart,
     "Frames of one link that may come at once",
     {},
     1,
     1'000'000},
    {"limits.bytes_per_second",
     +[](Settings& all) -> Size& { return all.limits.bytes_per_second; },
     on_restart,
     "The same of bytes. 0: no limit",
     {},
     0,
     1ull << 30},
    {"limits.bytes_burst",
     +[](Settings& all) -> Size& { return all.limits.bytes_burst; },
     on_restart,
     "Bytes of one link that may come at once",
     {},
     1,
     1ull << 30},
    {"limits.failures_per_second",
     +[](Settings& all) -> std::uint64_t& { return all.limits.failures_per_second; },
     on_restart,
     "Failed authentications from one address, of a burst on; beyond it nobody from there is looked at. 0: no limit",
     {},
     0,
     1'000},
    {"limits.failures_burst",
     +[](Settings& all) -> std::uint64_t& { return all.limits.failures_burst; },
     on_restart,
     "Failed authentications from one address that may come at once",
     {},
     1,
     1'000},
    {"encryption.key_file", +[](Settings& all) -> std::string& { return all.encryption.key_file; }, on_restart,
     "The journals are encrypted with the key in this file, or in credential:NAME of systemd; empty: they are not"},
    {"encryption.old_key_file", +[](Settings& all) -> std::string& { return all.encryption.old_key_file; }, on_restart,
     "The key before that one, for a start that brings the journals to it"},
    {"auth.device_tokens", +[](Settings& all) -> bool& { return all.auth.device_tokens; }, on_reload,
     "Takes the tokens that `gridctl server enroll` has given"},
    {"auth.default_roles", +[](Settings& all) -> std::vector<std::string>& { return all.auth.default_roles; },
     on_reload, "Roles of everybody who has proven who they are"},
    {"auth.jwt.keys", +[](Settings& all) -> std::string& { return all.auth.jwt_keys; }, on_reload,
     "The folder of the keys of JSON Web Tokens, KID.pem and KID.hs256; empty: none are taken"},
    {"auth.jwt.issuer", +[](Settings& all) -> std::string& { return all.auth.jwt_issuer; }, on_reload,
     "What `iss` of a token is to be; empty: whatever it likes"},
    {"auth.jwt.audience", +[](Settings& all) -> std::string& { return all.auth.jwt_audience; }, on_reload,
     "What `aud` of a token is to name; empty: it is to name nobody"},
    {"auth.jwt.leeway",
     +[](Settings& all) -> Span& { return all.auth.jwt_leeway; },
     on_reload,
     "By how much the clock of whoever signs tokens may differ",
     {},
     0,
     3'600'000},
    {"auth.jwt.roles_claim", +[](Settings& all) -> std::string& { return all.auth.jwt_roles_claim; }, on_reload,
     "Where a token has its roles; a path with points, as realm.roles"},
    {"auth.certificate.subjects",
     +[](Settings& all) -> std::vector<std::string>& { return all.auth.certificate_subjects; }, on_reload,
     "Who the name in a client certificate is: `*.devices.farm -> device-* : ROLE, ROLE`; empty: none are taken"},
};

template <typename Value>
constexpr Node::Kind kKindOf = std::is_same_v<Value, bool>                       ? Node::Kind::boolean
                               : std::is_same_v<Value, std::uint64_t>            ? Node::Kind::integer
                               : std::is_same_v<Value, std::vector<std::string>> ? Node::Kind::list
                                                                                 : Node::Kind::text;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string one_of(std::string_view choices) {
  std::string sentence = "one of ";
  for (const std::string_view choice : split(choices, '|')) {
    if (sentence.size() > 7) sentence += ", ";
    sentence.append(choice);
  }
  return sentence;
}

// Takes the value, or says what is to be there instead.
std::string take(const Node& node, std::string_view choices, std::uint64_t, std::uint64_t, std::string& into) {
  const std::vector<std::string_view> known = split(choices, '|');
  if (!known.empty() && std::find(known.begin(), known.end(), node.text) == known.end()) return one_of(choices);
  into = node.text;
  return {};
}

std::string take(const Node& node, std::string_view, std::uint64_t, std::uint64_t, bool& into) {
  into = node.truth;
  return {};
}

std::string range(std::uint64_t number, std::uint64_t min, std::uint64_t max, const std::string& low,
                  const std::string& high) {
  if (number >= min && number <= max) return {};
  if (max == std::numeric_limits<std::uint64_t>::max()) return "at least " + low;
  return "from " + low + " to " + high;
}

std::string take(const Node& node, std::string_view, std::uint64_t min, std::uint64_t max, std::uint64_t& into) {
  if (node.integer < 0) return "a whole number that is not negative";
  into = static_cast<std::uint64_t>(node.integer);
  return range(into, min, max, std::to_string(min), std::to_string(max));
}

std::string take(const Node& node, std::string_view, std::uint64_t min, std::uint64_t max, Span& into) {
  const Result<Span> span = parse_span(node.text);
  if (!span.ok()) return std::string(kSpanForm);
  into = *span;
  return range(into.ms, min, max, text_of(Span{min}), text_of(Span{max}));
}

std::string take(const Node& node, std::string_view, std::uint64_t min, std::uint64_t max, Size& into) {
  const Result<Size> size = parse_size(node.text);
  if (!size.ok()) return std::string(kSizeForm);
  into = *size;
  return range(into.bytes, min, max, text_of(Size{min}), text_of(Size{max}));
}

std::string take(const Node& node, std::string_view, std::uint64_t min, std::uint64_t, std::vector<std::string>& into) {
  into.clear();
  for (const Node& item : node.items) {
    if (!item.is(Node::Kind::text) || item.text.empty()) return "a list of texts";
    into.push_back(item.text);
  }
  return into.size() < min ? "a list of at least one text" : "";
}

std::string form_of(const std::string&) { return "a text"; }
std::string form_of(const bool&) { return "true or false"; }
std::string form_of(const std::uint64_t&) { return "a whole number"; }
std::string form_of(const Span&) { return std::string(kSpanForm); }
std::string form_of(const Size&) { return std::string(kSizeForm); }
std::string form_of(const std::vector<std::string>&) { return "a list of texts"; }

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string toml(const std::string& text) { return quoted(text); }
std::string toml(const bool& truth) { return truth ? "true" : "false"; }
std::string toml(const std::uint64_t& number) { return std::to_string(number); }
std::string toml(const Span& span) { return quoted(text_of(span)); }
std::string toml(const Size& size) { return quoted(text_of(size)); }
std::string toml(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const std::string& text : list) out.append(out.size() > 1 ? ", " : "").append(quoted(text));
  return out += ']';
}

// As the file would have it; a text that is none of the kind stays a text, and is refused as one.
Node node_of(std::string_view text, Node::Kind kind) {
  Node node{.kind = Node::Kind::text, .text = std::string(text)};
  if (kind == Node::Kind::boolean && (text == "true" || text == "false")) {
    node.kind = kind;
    node.truth = text == "true";
  } else if (kind == Node::Kind::integer) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), node.integer);
    if (error == std::errc{} && end == text.data() + text.size()) node.kind = kind;
  } else if (kind == Node::Kind::list) {
    node.kind = kind;
    for (const std::string_view part : split(text, ',')) {
      node.items.push_back({.kind = Node::Kind::text, .text = std::string(part)});
    }
  }
  return node;
}

// The empty string, or what is expected instead.
template <typename Section>
std::string try_set(const Key<Section>& key, Section& section, const Node& node) {
  return std::visit(
      [&](const auto& field) -> std::string {
        auto& value = field(section);
        using Value = std::remove_reference_t<decltype(value)>;
        const bool is_zero = node.is(Node::Kind::integer) && node.integer == 0;
        const bool is_bare_zero = is_zero && (std::is_same_v<Value, Span> || std::is_same_v<Value, Size>);
        if (!node.is(kKindOf<Value>) && !is_bare_zero) {
          return key.choices.empty() ? form_of(value) : one_of(key.choices);
        }
        const Node zero{.kind = Node::Kind::text, .text = "0"};
        return take(is_bare_zero ? zero : node, key.choices, key.min, key.max, value);
      },
      key.field);
}

template <typename Section>
std::string sentence_of(const Key<Section>& key, const std::string& expected) {
  return std::string(key.name).append(" is to be ").append(expected);
}

}  // namespace

std::span<const Key<Settings>> gateway_keys() { return kGatewayKeys; }

template <typename Section>
Status set(const Key<Section>& key, Section& section, const Node& node, std::string& problem) {
  const std::string expected = try_set(key, section, node);
  return expected.empty() ? Status::ok : refuse(node.at, sentence_of(key, expected), problem);
}

template <typename Section>
Status set(const Key<Section>& key, Section& section, std::string_view text, std::string& problem) {
  const Node::Kind kind = std::visit(
      [&](const auto& field) { return kKindOf<std::remove_reference_t<decltype(field(section))>>; }, key.field);
  const std::string expected = try_set(key, section, node_of(text, kind));
  if (expected.empty()) return Status::ok;
  problem = sentence_of(key, expected);
  return Status::invalid;
}

template <typename Section>
bool is_same(const Key<Section>& key, const Section& one, const Section& other) {
  return std::visit(
      [&](const auto& field) {
        return toml(field(const_cast<Section&>(one))) == toml(field(const_cast<Section&>(other)));
      },
      key.field);
}

template <typename Section>
std::string written(const Key<Section>& key, const Section& section) {
  if (key.is_secret) return is_same(key, section, Section{}) ? quoted("") : quoted("(not told)");
  return std::visit([&](const auto& field) { return toml(field(const_cast<Section&>(section))); }, key.field);
}

template <typename Section>
std::string type_of(const Key<Section>& key) {
  if (!key.choices.empty()) return one_of(key.choices);
  Section section;
  return std::visit([&](const auto& field) { return form_of(field(section)); }, key.field);
}

template Status set(const Key<Settings>&, Settings&, const Node&, std::string&);
template Status set(const Key<AppSettings>&, AppSettings&, const Node&, std::string&);
template Status set(const Key<Settings>&, Settings&, std::string_view, std::string&);
template Status set(const Key<AppSettings>&, AppSettings&, std::string_view, std::string&);
template bool is_same(const Key<Settings>&, const Settings&, const Settings&);
template bool is_same(const Key<AppSettings>&, const AppSettings&, const AppSettings&);
template std::string written(const Key<Settings>&, const Settings&);
template std::string written(const Key<AppSettings>&, const AppSettings&);
template std::string type_of(const Key<Settings>&);
template std::string type_of(const Key<AppSettings>&);

}  // namespace grid::server::config
