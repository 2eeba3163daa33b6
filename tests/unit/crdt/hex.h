// SPDX-License-Identifier: Apache-2.0
//
// Bytes from and to the lower-case hex of golden files, and the lines of such a file.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "crdt/base/bytes.h"
#include "tests/check.h"

namespace grid::test {

inline std::string hex(Bytes bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

inline std::string hex(std::uint64_t number) {
  std::uint8_t bytes[8];
  store_be(number, bytes);
  return hex(bytes);
}

// `-` stands for no bytes.
inline std::vector<std::uint8_t> unhex(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  if (text == "-") return bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::uint64_t unhex_number(const std::string& text) { return std::stoull(text, nullptr, 16); }

inline std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \n", at)) != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(" \n", at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// The words of each line of `folder`/`name`, so many in each; lines that begin with # are for people.
inline std::vector<std::vector<std::string>> golden(const char* folder, const char* name, std::size_t word_count) {
  std::FILE* file = std::fopen((std::string(folder) + "/" + name).c_str(), "r");
  if (file == nullptr) fail_msg("%s/%s cannot be read", folder, name);
  std::vector<std::vector<std::string>> lines;
  for (char line[4'096]; std::fgets(line, sizeof(line), file) != nullptr;) {
    if (line[0] == '#') continue;
    lines.push_back(words_of(line));
    if (lines.back().size() != word_count) fail_msg("%s: %zu words expected in: %s", name, word_count, line);
  }
  std::fclose(file);
  return lines;
}

}  // namespace grid::test
