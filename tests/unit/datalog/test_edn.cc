// SPDX-License-Identifier: Apache-2.0
//
// EDN: what each form is read as, and a long text one form at a time.

#include <string>
#include <vector>

#include "crdt/datalog/edn.h"
#include "tests/check.h"

namespace grid::test {
namespace {

using datalog::Complaint;
using datalog::Trouble;
using datalog::edn::Forms;
using datalog::edn::Node;
using Kind = Node::Kind;

// A form written down again, so that kinds differ in how they look.
std::string shown(const Node& node) {
  static constexpr const char* kOpen[] = {"(", "[", "{", "#{"};
  static constexpr const char* kClose[] = {")", "]", "}", "}"};
  switch (node.kind) {
    case Kind::nil:
      return "nil";
    case Kind::boolean:
      return node.integer != 0 ? "true" : "false";
    case Kind::integer:
      return std::to_string(node.integer);
    case Kind::number:
      return "f" + std::to_string(node.number());
    case Kind::text:
      return "<" + std::string(node.text) + ">";
    case Kind::keyword:
      return ":" + std::string(node.text);
    case Kind::symbol:
      return std::string(node.text);
    case Kind::date:
      return "@" + std::to_string(node.integer);
    case Kind::bytes:
      return "b" + std::to_string(node.text.size());
    default:
      break;
  }
  const auto index = static_cast<std::size_t>(node.kind) - static_cast<std::size_t>(Kind::list);
  std::string text = kOpen[index];
  for (const Node& item : node.items()) {
    if (text.size() > 1 && text != "#{") text += ' ';
    text += shown(item);
  }
  return text + kClose[index];
}

std::string read(std::string_view text, std::size_t bytes = 1 << 16) {
  std::vector<std::uint8_t> room(bytes);
  Arena arena(room);
  Trouble trouble;
  const Result<const Node*> node = datalog::edn::read(text, arena, trouble);
  if (node.ok()) return shown(**node);
  char sentence[300];
  return std::string(name_of(node.status())) + " " + std::string(trouble.sentence(sentence));
}

struct Case {
  std::string_view text;
  std::string_view wanted;
};

void expect(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    if (const std::string is = read(one.text); is != one.wanted) {
      fail_msg("%s\n  is     %s\n  wanted %s", std::string(one.text).c_str(), is.c_str(),
               std::string(one.wanted).c_str());
    }
  }
}

void scalars_are_read(void**) {
  expect({{"nil", "nil"},
          {"true", "true"},
          {" , false ; the end", "false"},
          {"0", "0"},
          {"-0", "0"},
          {"+12", "12"},
          {"-12N", "-12"},
          {"9223372036854775807", "9223372036854775807"},
          {"-9223372036854775808", "-9223372036854775808"},
          {"1.5", "f1.500000"},
          {"-2.0", "f-2.000000"},
          {"1e3", "f1000.000000"},
          {":a", ":a"},
          {":a.b/c-d*!?", ":a.b/c-d*!?"},
          {"a/b", "a/b"},
          {"-", "-"},
          {"...", "..."},
          {"-a", "-a"},
          {"?x", "?x"},
          {"nilly", "nilly"},
          {"größe", "größe"}});
}

void escapes_and_characters_are_text(void**) {
  expect({{R"("a\n\t\r\"\\b")", "<a\n\t\r\"\\b>"},
          {R"("\u00e9\u20ac\ud83d\ude00")", "<é€😀>"},
          {"\"two\nlines\"", "<two\nlines>"},
          {"\"\"", "<>"},
          {R"(\a)", "<a>"},
          {R"([\( \) \\ \;])", "[<(> <)> <\\> <;>]"},
          {R"([\newline \space \tab \u00e9 \é \u])", "[<\n> < > <\t> <é> <é> <u>]"}});
}

void containers_nest_and_discards_vanish(void**) {
  expect({{"[]", "[]"},
          {"#{1 2}", "#{1 2}"},
          {"{:a 1, :b {2 ()}}", "{:a 1 :b {2 ()}}"},
          {"[1[2(3{4 5})]6]", "[1 [2 (3 {4 5})] 6]"},
          {"[a\"b\"c]", "[a <b> c]"},
          {"[1 #_2 3]", "[1 3]"},
          {"[1 #_ #_ 2 3 4]", "[1 4]"},
          {"#_[1 #_ 2] #_#inst \"1970-01-01\" [3 #_(4 [5])]", "[3]"},
          {"#_ 1 2 #_ 3", "2"},
          {"{:a #_ :b 1}", "{:a 1}"}});
}

void tags_are_dates_and_bytes(void**) {
  expect({{"#inst \"1970-01-01\"", "@0"},
          {"#inst \"1970\"", "@0"},
          {"#inst \"2000-03\"", "@951868800000"},
          {"#inst \"2026-11-21T02:01:00.123Z\"", "@1795226460123"},
          {"#inst \"2026-11-21T02:01:00.1230-00:30\"", "@1795228260123"},
          {"#inst \"2026-11-21T03:01:00.123+01:00\"", "@1795226460123"},
          {"#inst \"1969-12-31T23:59:59.999\"", "@-1"},
          {"#inst \"2000-02-29T00\"", "@951782400000"},
          {"#inst \"0000-01-01\"", "@-62167219200000"},
          {"#inst \"9999-12-31T23:59:59.999Z\"", "@253402300799999"},
          {"#bytes \"\"", "b0"},
          {"#bytes \"AA==\"", "b1"},
          {"#bytes \"AP8=\"", "b2"},
          {"#bytes \"AP8B\"", "b3"}});
}

void what_is_wrong_has_its_place(void**) {
  expect({
      {"", "invalid line 1, column 1: there is nothing here"},
      {" ; nothing\n ", "invalid line 2, column 2: there is nothing here"},
      {"[1\n 2", "invalid line 1, column 1: this is never closed: [1\n 2"},
      {"[1 (2 3]", "invalid line 1, column 8: ] can't close the ( of line 1, column 4"},
      {"]", "invalid line 1, column 1: ] closes nothing"},
      {"[1]]", "invalid line 1, column 4: ] closes nothing"},
      {"1 2", "invalid line 1, column 3: the text is to end here, but there is 2"},
      {"\"abc", "invalid line 1, column 1: the quote is never closed, but there is \"abc"},
      {"[\"a\\", "invalid line 1, column 2: the quote is never closed, but there is \"a\\"},
      {R"("\ud800")",
       R"(invalid line 1, column 1: a backslash stands before none of n t r b f " \ and uXXXX in "\ud800")"},
      {R"("\x")", R"(invalid line 1, column 1: a backslash stands before none of n t r b f " \ and uXXXX in "\x")"},
      {R"(\ab)", R"(invalid line 1, column 1: \ab is no character; write: \a, \newline or \u00e9)"},
      {"1a", "invalid line 1, column 1: 1a is no number; there are integers, and numbers such as 1.5 and 1e9"},
      {"1/2", "invalid line 1, column 1: 1/2 is no number; there are integers, and numbers such as 1.5 and 1e9"},
      {"007", "invalid line 1, column 1: 007 is no number; there are integers, and numbers such as 1.5 and 1e9"},
      {"1.5N", "invalid line 1, column 1: 1.5N is no number; there are integers, and numbers such as 1.5 and 1e9"},
      {"9223372036854775808",
       "invalid line 1, column 1: 9223372036854775808 is beyond 64 bits, or has more than 19 digits"},
      {"1e999", "invalid line 1, column 1: 1e999 is beyond 64 bits, or has more than 19 digits"},
      {":", "invalid line 1, column 1: : is no keyword; write: :name or :user/name"},
      {"[::a]", "invalid line 1, column 2: ::a is no keyword; write: :name or :user/name"},
      {"{:a}", "invalid line 1, column 1: a map has a value for each key: {:a}"},
      {"#_", "invalid line 1, column 1: nothing comes behind #_ that it could leave out"},
      {"[1 #_]", "invalid line 1, column 4: nothing comes behind #_ that it could leave out"},
      {"'x", "invalid line 1, column 1: ' means something to Clojure, but nothing in a text; leave it out"},
      {"#\"x\"", "invalid line 1, column 1: # means nothing here; there are #{...}, #inst, #bytes and #_"},
      {"#uuid \"x\"",
       "invalid line 1, column 1: #uuid is not known; there are #inst \"2026-11-21T02:01:00Z\" and #bytes \"AP8=\""},
      {"#inst 5", "invalid line 1, column 1: text is to come right behind #inst"},
      {"#inst \"2001-02-29\"",
       "invalid line 1, column 7: \"2001-02-29\" is no moment; write: #inst \"2026-11-21T02:01:00.123Z\""},
      {"#bytes \"AP9=\"", "invalid line 1, column 8: \"AP9=\" is no base64"},
      {"\"\xff\"", "invalid line 1, column 1: this is not UTF-8, but there is \"\xff\""},
  });
}

void days_that_never_were_are_no_dates(void**) {
  for (const char* text :
       {"2026-00-01", "2026-13-01", "2026-04-31", "1900-02-29", "2026-1-01", "26-01-01", "2026-01-01T24",
        "2026-01-01T00:60", "2026-01-01T00:00:60", "2026-01-01T00:00:00.", "2026-01-01T00:00:00.0001", "2026-01-01T",
        "2026-01-01Z", "2026-01-01T00:00+01", "2026-01-01T00:00Zx", ""}) {
    const std::string is = read("#inst \"" + std::string(text) + "\"");
    if (is.find("is no moment") == std::string::npos) fail_msg("%s: %s", text, is.c_str());
  }
}

void nesting_is_bounded(void**) {
  assert_string_equal(read(std::string(32, '[') + std::string(32, ']')).c_str(),
                      (std::string(32, '[') + std::string(32, ']')).c_str());
  const std::string deep = read(std::string(70'000, '['));
  assert_string_equal(deep.c_str(), "too_large line 1, column 1: the text is longer than 64 KiB");
  assert_string_equal(read(std::string(33, '[')).c_str(),
                      "too_large line 1, column 33: more than 32 brackets around one another, but there is [");
  assert_string_equal(read(std::string(60'000, '['), 1 << 23).c_str(),
                      "too_large line 1, column 33: more than 32 brackets around one another, but there is [");
}

void memory_is_that_of_the_arena(void**) {
  assert_string_equal(read("[1 2 \"a\\n\"]", 4).c_str(),
                      "full line 1, column 1: there is no room for so long a text, "
                      "but there is [");
}

// All forms of a text, each in the same memory.
std::string read_all(std::string_view text, std::size_t bytes = 1 << 16) {
  std::vector<std::uint8_t> room(bytes);
  datalog::edn::Reader reader(text);
  std::string all;
  for (;;) {
    Arena arena(room);
    Trouble trouble;
    const Result<const Node*> node = reader.next(arena, trouble);
    if (!node.ok()) {
      char sentence[300];
      return all + "! " + std::string(trouble.sentence(sentence));
    }
    if (*node == nullptr) return all;
    all += shown(**node) + "\n";
  }
}

void a_long_text_is_read_one_form_at_a_time(void**) {
  for (const auto& [text, wanted] : {
           std::pair<std::string_view, std::string_view>{"[[:db/add 1 :name \"x\"] {:a 1}]",
                                                         "[:db/add 1 :name <x>]\n{:a 1}\n"},
           {"([1] [2]) ; the end", "[1]\n[2]\n"},
           {"[:db/add 1 :a 2] {:b 3}", "[:db/add 1 :a 2]\n{:b 3}\n"},
           {"{:b 3}\n{:b 4}", "{:b 3}\n{:b 4}\n"},
           {"; all\n[#_ 2 [1] #_ [3]]", "[1]\n"},
           {"", ""},
           {"[]", ""},
           {"[[1] {:a}]", "[1]\n! line 1, column 6: a map has a value for each key: {:a}"},
           {"[[1]", "[1]\n! line 1, column 1: this is never closed: ["},
           {"[[1]}", "[1]\n! line 1, column 5: } can't close the [ of line 1, column 1"},
           {"[[1]] 2", "[1]\n! line 1, column 7: the text is to end here, but there is 2"},
           {"{:a 1}]", "{:a 1}\n! line 1, column 7: ] closes nothing"},
       }) {
    if (const std::string is = read_all(text); is != wanted) {
      fail_msg("%s\n  is     %s\n  wanted %s", std::string(text).c_str(), is.c_str(), std::string(wanted).c_str());
    }
  }
}

void memory_is_needed_for_the_longest_form_only(void**) {
  std::string text = "[";
  std::string wanted;
  for (int i = 0; i < 20'000; ++i) {
    text += "[:db/add " + std::to_string(i) + " :name \"a\\tb\"]\n";
    wanted += "[:db/add " + std::to_string(i) + " :name <a\tb>]\n";
  }
  text += "]";
  assert_true(text.size() > 500'000);
  assert_true(read_all(text, 1'024) == wanted);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(scalars_are_read),
      cmocka_unit_test(escapes_and_characters_are_text),
      cmocka_unit_test(containers_nest_and_discards_vanish),
      cmocka_unit_test(tags_are_dates_and_bytes),
      cmocka_unit_test(what_is_wrong_has_its_place),
      cmocka_unit_test(days_that_never_were_are_no_dates),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(memory_is_that_of_the_arena),
      cmocka_unit_test(a_long_text_is_read_one_form_at_a_time),
      cmocka_unit_test(memory_is_needed_for_the_longest_form_only),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
