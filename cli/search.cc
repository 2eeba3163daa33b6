// SPDX-License-Identifier: Apache-2.0
//
// search MAP TEXT [--limit N] [--after CURSOR] [--watch]: prints the rows whose text has what is looked for, the best
// first, as the server finds them; with --watch again whenever that changes.
#include "runtime/grid/search.h"

#include <bit>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "cli/channel.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

constexpr std::size_t kRankDigits = 16;

std::string number_text(double number) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr};
}

// A cursor is a rank, in hex, and a key.
std::string cursor_of(double rank, std::string_view key) {
  return hex(std::bit_cast<std::uint64_t>(rank)) + ":" + std::string(key);
}

void read_cursor(const std::string& text, SearchQuery& query) {
  std::uint64_t bits = 0;
  const char* end = text.data() + std::min(text.size(), kRankDigits);
  const auto [rest, error] = std::from_chars(text.data(), end, bits, 16);
  if (error != std::errc{} || rest != text.data() + kRankDigits || text.size() < kRankDigits + 2 ||
      text[kRankDigits] != ':') {
    throw Failure(Exit::usage, "--after: that is no cursor of a search");
  }
  query.after_rank = std::bit_cast<double>(bits);
  query.after = std::string_view(text).substr(kRankDigits + 1);
}

std::string json_of(const Hit& hit) {
  const std::string highlights = hit.highlights.empty() ? "{}" : json::json_from_value(Value(hit.highlights));
  return "{\"key\":" + json_text(hit.key) + ",\"rank\":" + number_text(hit.rank) + ",\"highlights\":" + highlights +
         ",\"stamp\":" + json_text(stamp_text(hit.stamp)) + "}";
}

// "title: the [Oslo] office".
std::string plain_of(const Hit& hit) {
  std::string text;
  for (Value::Walk fields{Value(hit.highlights)}; fields.next();) {
    text += (text.empty() ? "" : "; ") + std::string(fields.name()) + ": ";
    bool is_match = false;
    for (Value::Walk pieces(fields.value()); pieces.next(); is_match = !is_match) {
      const std::string piece(pieces.value().text_or({}));
      text += is_match ? "[" + piece + "]" : piece;
    }
  }
  return text;
}

// What the callback needs. It must not throw, so it only notes.
struct Answers {
  Format format;
  bool watch;
  std::uint64_t count_max = 0;
  std::uint64_t count = 0;
  bool broken = false;
  Status status = Status::ok;
  std::string reason{};
  std::string talk{};  // Said when it changes.

  bool is_over() const {
    return broken || status != Status::ok || (!watch && count > 0) || (count_max != 0 && count >= count_max);
  }
};

// On one line where there are more such.
std::string answer_json(const Found& found, bool is_line) {
  std::string hits, cursor = "null";
  found.each([&](const Hit& hit) {
    hits += (hits.empty() ? "" : is_line ? "," : ",\n ") + json_of(hit);
    if (found.more) cursor = json_text(cursor_of(hit.rank, hit.key));
  });
  return "{\"hits\":[" + hits + "],\"cursor\":" + cursor + ",\"through\":" + std::to_string(found.through) +
         ",\"head\":" + std::to_string(found.head) + ",\"building\":" + (found.building != 0 ? "true" : "false") +
         "}\n";
}

std::string answer_table(const Found& found) {
  std::size_t width = 3;
  found.each([&width](const Hit& hit) { width = std::max(width, columns_of(hit.key)); });
  std::string text = padded("KEY", width) + "  TEXT\n";
  found.each([&](const Hit& hit) { text += padded(hit.key, width) + "  " + plain_of(hit) + "\n"; });
  return text;
}

std::string answer_text(const Found& found, Format format, bool is_watch) {
  if (format == Format::json) return answer_json(found, is_watch);
  if (format == Format::table) return answer_table(found);
  std::string text;
  found.each([&](const Hit& hit) { text += (format == Format::raw ? std::string(hit.key) : json_of(hit)) + "\n"; });
  return text;
}

std::string talk_of(const Found& found, Format format) {
  std::string last;
  if (found.more) found.each([&last](const Hit& hit) { last = cursor_of(hit.rank, hit.key); });
  if (found.building != 0) {
    return "the index is being built, and hits may be missing: " + counted(found.building - 1, "cell") +
           " looked at so far";
  }
  return last.empty() || format == Format::json ? "" : "there is more: --after " + last;
}

// A watch is a line an answer where programs read; its rows would not tell where one answer ends.
void take(Answers& answers, const Found& found) {
  if (answers.is_over()) return;
  answers.status = found.status;
  answers.reason = found.reason;
  if (found.status != Status::ok) return;
  std::string text;
  if (answers.watch && answers.format != Format::json && answers.count > 0) text += '\n';
  text += answer_text(found, answers.format, answers.watch);
  answers.broken = std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0;
  ++answers.count;
  const std::string talk = talk_of(found, answers.format);
  if (!talk.empty() && talk != answers.talk) std::fprintf(stderr, "gridctl: %s\n", talk.c_str());
  answers.talk = talk;
}

void require(const Answers& answers) {
  if (answers.broken) throw Failure(Exit::failure, "cannot write to stdout");
  if (answers.status == Status::ok) return;
  const Exit exit = answers.status == Status::not_found                                        ? Exit::not_found
                    : answers.status == Status::invalid || answers.status == Status::too_large ? Exit::usage
                                                                                               : Exit::failure;
  throw Failure(exit, answers.reason);
}

Format format_of(const SearchOptions& options, Format asked) {
  const Format format = resolved(asked);
  return options.watch && format == Format::ndjson ? Format::json : format;
}

void check(const SearchOptions& options) {
  check_map(options.map);
  if (options.text.size() > wire::kSearchTextBytesMax) {
    throw Failure(Exit::usage, "the text is longer than " + std::to_string(wire::kSearchTextBytesMax) + " bytes");
  }
  if (options.limit > wire::kSearchHitsMax) {
    throw Failure(Exit::usage, "--limit is at most " + std::to_string(wire::kSearchHitsMax));
  }
}

}  // namespace

Exit search(const Context& context, const SearchOptions& options) {
  check(options);
  SearchQuery query{.map = options.map,
                    .text = options.text,
                    .limit = static_cast<std::uint32_t>(options.limit),
                    .watch = options.watch};
  if (!options.after.empty()) read_cursor(options.after, query);
  if (context.offline) throw Failure(Exit::usage, "the server searches, so there is nothing to do --offline");
  Session session(on_net(context));
  Answers answers{.format = format_of(options, context.format), .watch = options.watch, .count_max = options.count};
  const Search search = search_for(session.node(), query, [at = &answers](const Found& found) { take(*at, found); });
  session.require(search.status());
  const auto ended = session.wait([&answers](const ReplicaStatus&) { return answers.count > 0 || answers.is_over(); },
                                  3 * kPatienceMs);
  if (ended == Session::Ended::interrupted) throw Failure(Exit::failure, "interrupted");
  if (ended != Session::Ended::done) throw session.no_link();
  if (options.watch && !answers.is_over()) {
    constexpr std::uint64_t kForEverMs = std::uint64_t{1} << 52;
    session.host().wait_until([&answers](const ReplicaStatus&) { return answers.is_over(); },
                              options.for_ms == 0 ? kForEverMs : options.for_ms);
  }
  require(answers);
  if (session.status().state == SyncState::error) throw session.no_link();
  return Exit::ok;
}

}  // namespace grid::cli
