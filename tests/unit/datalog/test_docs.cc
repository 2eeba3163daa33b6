// SPDX-License-Identifier: Apache-2.0
//
// docs/datalog.md against the reader: what it shows is read, what it says is refused is refused in these words, and it
// names every function and aggregate that there is.

#include <fstream>
#include <sstream>

#include "tests/unit/datalog/text_bench.h"

namespace grid::test {
namespace {

struct Block {
  std::string language;
  std::string text;
};

std::string page() {
  std::ifstream file(GRID_DOCS "/datalog.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Block> blocks() {
  std::istringstream lines(page());
  std::vector<Block> all;
  bool is_open = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("```")) {
      if (is_open) all.back().text += line + "\n";
    } else if (is_open) {
      is_open = false;
    } else {
      is_open = true;
      all.push_back({line.substr(3), ""});
    }
  }
  return all;
}

std::string rules() {
  for (const Block& block : blocks()) {
    if (block.language == "rules") return block.text;
  }
  return "";
}

void every_question_on_the_page_can_be_asked(void**) {
  std::size_t count = 0;
  for (const Block& block : blocks()) {
    if (block.language != "edn") continue;
    ++count;
    const bool has_rules = block.text.find('%') != std::string::npos;
    const Reading reading(block.text, has_rules ? rules() : "");
    if (reading.status() != Status::ok) fail_msg("%s%s", block.text.c_str(), reading.sentence().c_str());
  }
  assert_true(count >= 12);
  assert_false(rules().empty());
}

void every_pattern_of_pull_on_the_page_is_read(void**) {
  std::size_t count = 0;
  for (const Block& block : blocks()) {
    if (block.language != "pull") continue;
    ++count;
    std::vector<std::uint8_t> room(1 << 16);
    Arena arena(room);
    datalog::Trouble trouble;
    assert_ok(datalog::parse_pull(block.text, arena, trouble).status());
  }
  assert_int_equal(count, 1);
}

// Rows `| `text` | sentence |`.
void what_is_refused_is_refused_in_the_words_of_the_page(void**) {
  std::istringstream lines(page());
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t middle = line.find("` | line ");
    if (!line.starts_with("| `[") || middle == std::string::npos) continue;
    ++count;
    const std::string text = line.substr(3, middle - 3);
    const std::string wanted = line.substr(middle + 4, line.size() - middle - 6);
    expect_text(shown(text), wanted, text);
  }
  assert_true(count >= 7);
}

void the_page_names_every_function_and_aggregate(void**) {
  const std::string text = page();
  const auto expect = [&text](std::string_view name) {
    const std::string call = "`(" + std::string(name) + " ";
    if (text.find(call) == std::string::npos) fail_msg("no %s", call.c_str());
  };
  for (const datalog::CallName& one : datalog::call_names()) expect(one.name);
  for (const datalog::AggregateName& one : datalog::aggregate_names()) expect(one.name);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_question_on_the_page_can_be_asked),
      cmocka_unit_test(every_pattern_of_pull_on_the_page_is_read),
      cmocka_unit_test(what_is_refused_is_refused_in_the_words_of_the_page),
      cmocka_unit_test(the_page_names_every_function_and_aggregate),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
