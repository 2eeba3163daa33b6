// SPDX-License-Identifier: Apache-2.0
#include "cli/names.h"

#include "cli/failure.h"
#include "cli/text.h"
#include "crdt/cell.h"

namespace grid::cli {
namespace {

std::string too_long(const char* what, std::size_t bytes, std::size_t bytes_max) {
  return std::string(what) + " of " + std::to_string(bytes) + " bytes is too long: " + std::to_string(bytes_max) +
         " is the most";
}

void require(const std::string& trouble) {
  if (!trouble.empty()) throw Failure(Exit::usage, trouble);
}

std::string trouble_with_word(const char* what, std::string_view word, std::size_t bytes_max) {
  if (word.empty()) return std::string(what) + " needs a name, and this one is empty";
  if (word.size() > bytes_max) return too_long(what, word.size(), bytes_max);
  if (crdt::check_map_name(word) != Status::ok) {
    return std::string(what) + " may have only letters, digits, '_', '.' and '-' in its name: " + json_text(word);
  }
  return {};
}

}  // namespace

std::string trouble_with_app(std::string_view app) {
  if (app == "." || app == "..") return "an app needs a name that is more than dots";
  return trouble_with_word("an app", app, kAppBytesMax);
}

std::string trouble_with_map(std::string_view map) { return trouble_with_word("a map", map, kMapBytesMax); }

std::string trouble_with_key(std::string_view key) {
  if (key.empty()) return "a key needs at least one byte, and this one is empty";
  if (key.size() > kKeyBytesMax) return too_long("a key", key.size(), kKeyBytesMax);
  if (!crdt::is_utf8(key)) return "a key must be UTF-8";
  if (crdt::check_name({"map", key}) != Status::ok) return "a key must have no control characters: " + json_text(key);
  return {};
}

void check_map(std::string_view map) { require(trouble_with_map(map)); }
void check_key(std::string_view key) { require(trouble_with_key(key)); }
void check_prefix(std::string_view prefix) {
  if (!prefix.empty()) require(trouble_with_key(prefix));
}

}  // namespace grid::cli
