// SPDX-License-Identifier: Apache-2.0
//
// A search by hand: rows of two texts in small letters, looked through one by one.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/crdt/dice.h"

namespace grid::test {

inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char byte : text) {
    if (byte == ' ') {
      words.emplace_back();
    } else {
      words.back() += byte;
    }
  }
  std::erase(words, "");
  return words;
}

struct SearchTerm {
  std::vector<std::string> words;
  bool is_prefix = false;
  bool is_excluded = false;

  bool is_in(const std::vector<std::string>& text) const {
    for (std::size_t at = 0; at + words.size() <= text.size(); ++at) {
      bool same = true;
      for (std::size_t i = 0; i < words.size(); ++i) {
        const bool is_last = i + 1 == words.size();
        same = same && (is_last && is_prefix ? text[at + i].starts_with(words[i]) : text[at + i] == words[i]);
      }
      if (same) return true;
    }
    return false;
  }
};

struct SearchModel {
  struct Row {
    std::string first, second;
    std::uint64_t expires_ms;
  };
  std::map<std::string, Row> rows;

  std::string find(const std::vector<SearchTerm>& terms, std::uint64_t now_ms) const {
    std::string keys;
    for (const auto& [key, row] : rows) {
      if (row.expires_ms != 0 && row.expires_ms <= now_ms) continue;
      const auto first = words_of(row.first), second = words_of(row.second);
      const bool has_all = std::all_of(terms.begin(), terms.end(), [&](const SearchTerm& term) {
        return (term.is_in(first) || term.is_in(second)) != term.is_excluded;
      });
      if (has_all) keys += (keys.empty() ? "" : " ") + key;
    }
    return keys;
  }
};

inline std::string draw_word(Dice& dice) {
  std::string text;
  for (std::uint64_t left = 1 + dice.below(3); left > 0; --left) text += static_cast<char>('a' + dice.below(3));
  return text;
}

inline std::string draw_sentence(Dice& dice) {
  std::string text;
  for (std::uint64_t left = dice.below(6); left > 0; --left) text += draw_word(dice) + " ";
  return text;
}

inline std::vector<SearchTerm> draw_question(Dice& dice, std::string& text) {
  std::vector<SearchTerm> terms(1 + dice.below(3));
  text.clear();
  for (SearchTerm& term : terms) {
    term.is_excluded = &term != &terms.front() && dice.one_in(3);
    term.is_prefix = dice.one_in(3);
    for (std::uint64_t left = 1 + dice.below(2); left > 0; --left) term.words.push_back(draw_word(dice));
    text += term.is_excluded ? "-\"" : "\"";
    for (const std::string& one : term.words) text += one + " ";
    text.pop_back();
    text += term.is_prefix ? "\"* " : "\" ";
  }
  return terms;
}

}  // namespace grid::test
