// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/trouble.h"

#include <algorithm>

#include "crdt/query/lexer.h"
#include "crdt/words.h"

namespace grid::query {
namespace {

using crdt::Line;
using crdt::Nearest;

constexpr std::size_t kFoundMax = 40;

struct Saying {
  Complaint complaint;
  std::string_view what;
  std::string_view hint{};
};

constexpr Saying kSayings[] = {
    {Complaint::comparison_expected, "a comparison is to come behind the field"},
    {Complaint::connection_expected, "`and`, `or` or the end is to come here"},
    {Complaint::direction_expected, "`asc`, `desc`, `,` or the end is to come here"},
    {Complaint::value_expected, "a value is to come here"},
    {Complaint::field_expected, "a test begins with a field", "the field comes first: age > 18"},
    {Complaint::name_expected, "the name of a field is missing", "odd names stand in double quotes: \"max temp\""},
    {Complaint::name_too_long, "a field's name is longer than 255 bytes"},
    {Complaint::name_not_utf8, "a field's name is not UTF-8"},
    {Complaint::path_too_long, "a path has more than 8 names"},
    {Complaint::path_goes_on, "the path is to end here"},
    {Complaint::place_unknown, "of a row there are $key and $value"},
    {Complaint::place_as_value, "a value is to come here", "$key and $value stand before the comparison"},
    {Complaint::parenthesis_unopened, "no parenthesis is open"},
    {Complaint::parenthesis_unclosed, "this parenthesis is never closed"},
    {Complaint::too_deep, "more than 32 parentheses and nots around one another"},
    {Complaint::too_many_tests, "more than 64 tests"},
    {Complaint::too_many_keys, "an order has more than 8 keys"},
    {Complaint::no_room, "there is no room for so long a text"},
    {Complaint::text_not_utf8, "the text is not UTF-8"},
    {Complaint::text_too_long, "text with doubled quotes is longer than 256 bytes"},
    {Complaint::text_expected, "text is to come here", "in quotes: 'Oslo'"},
    {Complaint::typed_text_expected, "text is to come behind the type", "write: ref 'bench/3'"},
    {Complaint::list_expected, "a list is to come here", "write: in ('a', 'b')"},
    {Complaint::list_goes_on, "`,` or `)` is to come here"},
    {Complaint::bounds_expected, "`and` is to come between the bounds"},
    {Complaint::with_expected, "`with` is to come behind `starts`"},
    {Complaint::null_expected, "`null` is to come behind `is`", "write = for anything else"},
    {Complaint::null_without_order, "null has no order", "write: is null, or: is not null"},
    {Complaint::null_as_value, "null compares with nothing", "write: is null"},
    {Complaint::number_wrong, "this is no number", "text stands in quotes: '12a'"},
    {Complaint::number_beyond, "the number is beyond 64 bits, or has more than 19 digits"},
    {Complaint::bytes_wrong, "bytes are up to 256 pairs of hex digits", "write: bytes '00ff'"},
    {Complaint::timestamp_wrong, "this is no moment", "write: timestamp '2026-11-21T02:01:00Z'"},
    {Complaint::parameter_unknown, "there is no such parameter"},
    {Complaint::parameter_null, "a parameter is null, and a comparison with it would mean nothing"},
    {Complaint::not_misplaced, "`not` stands before words only", "write != for ="},
};

// What people write who know another language.
constexpr struct {
  std::string_view found;
  std::string_view hint;
} kHabits[] = {{"==", "write ="},  {"<>", "write !=, or not"}, {"!", "write !=, or not"},
               {"=>", "write >="}, {"=<", "write <="},         {"&&", "write and"},
               {"&", "write and"}, {"||", "write or"},         {"|", "write or"}};

constexpr std::string_view kComparisons[] = {"in", "between", "like", "starts", "contains", "exists", "is", "not"};
constexpr std::string_view kTyped[] = {"timestamp", "ref", "bytes", "true", "false", "null"};
constexpr std::string_view kConnections[] = {"and", "or"};
constexpr std::string_view kDirections[] = {"desc", "asc"};

std::string_view meant(const Trouble& trouble) {
  std::string_view word = trouble.found;
  if (trouble.complaint == Complaint::parameter_unknown) word.remove_prefix(1);
  Nearest nearest(word);
  switch (trouble.complaint) {
    case Complaint::comparison_expected:
      nearest.offer_all(kComparisons);
      break;
    case Complaint::value_expected:
      nearest.offer_all(kTyped);
      break;
    case Complaint::connection_expected:
      nearest.offer_all(kConnections);
      break;
    case Complaint::direction_expected:
      nearest.offer_all(kDirections);
      break;
    case Complaint::parameter_unknown:
      for (const Parameter& parameter : trouble.parameters) nearest.offer(parameter.name);
      break;
    default:
      break;
  }
  return nearest.best();
}

std::string_view hint_of(const Trouble& trouble, const Saying& saying) {
  if (!saying.hint.empty()) return saying.hint;
  for (const auto& habit : kHabits) {
    if (trouble.found == habit.found) return habit.hint;
  }
  const bool is_value = trouble.complaint == Complaint::value_expected;
  if (trouble.found.empty()) {
    return trouble.complaint == Complaint::comparison_expected ? "write: active = true" : std::string_view();
  }
  if (trouble.found[0] == '\'' && (trouble.found.size() == 1 || trouble.found.back() != '\''))
    return "the quote is never closed";
  const bool is_word = Lexer(trouble.found).token().kind == TokenKind::name;
  return is_value && is_word ? "text stands in quotes: 'Oslo'" : std::string_view();
}

}  // namespace

std::string_view Trouble::sentence(std::span<char> room) const {
  const auto* saying = std::find_if(std::begin(kSayings), std::end(kSayings),
                                    [this](const Saying& one) { return one.complaint == complaint; });
  if (saying == std::end(kSayings)) return {};
  Line line(room);
  line.say("column ");
  line.say_number(column);
  line.say(": ");
  line.say(saying->what);
  if (!found.empty()) {
    line.say(", but there is ");
    line.say(found.substr(0, kFoundMax));
  }
  if (const std::string_view word = meant(*this); !word.empty()) {
    line.say("; did you mean ");
    line.say(word);
    line.say("?");
  } else if (const std::string_view hint = hint_of(*this, *saying); !hint.empty()) {
    line.say("; ");
    line.say(hint);
  }
  return line.said();
}

}  // namespace grid::query
