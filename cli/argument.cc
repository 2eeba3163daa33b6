// SPDX-License-Identifier: Apache-2.0
#include "cli/argument.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/failure.h"
#include "crdt/base/limits.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// More text than any value of the largest size could need.
constexpr std::size_t kJsonBytesMax = 16 * kValueBytesMax;

std::string read_stdin() {
  std::string text;
  char chunk[65'536];
  while (const std::size_t size = std::fread(chunk, 1, sizeof(chunk), stdin)) {
    text.append(chunk, size);
    if (text.size() > kJsonBytesMax) throw Failure(Exit::usage, "the value on stdin is far too large");
  }
  if (std::ferror(stdin) != 0) throw Failure(Exit::failure, "cannot read stdin");
  return text;
}

// A word where JSON is to stand: who writes one most likely means text.
std::string hint_for(std::string_view json) {
  const auto is_word = [](char c) {
    return c == '_' || c == '-' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
  };
  const bool is_text = json.size() <= 40 && std::all_of(json.begin(), json.end(), is_word);
  return is_text && !json.empty() ? "; text stands in quotes: '\"" + std::string(json) + "\"'" : std::string();
}

std::string parse(std::string_view json, const std::string& what) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(json, canonical, error) == Status::ok) return canonical;
  const std::string line = error.line == 1 ? "" : "line " + std::to_string(error.line) + ", ";
  throw Failure(Exit::usage, what + " is not good, " + line + "column " + std::to_string(error.column) + ": " +
                                 error.sentence + hint_for(json));
}

}  // namespace

std::string value_argument(const std::string& json, const std::string& what) {
  return parse(json == "-" ? read_stdin() : json, what);
}

}  // namespace grid::cli
