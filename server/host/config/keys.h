// SPDX-License-Identifier: Apache-2.0
//
// The table of what can be set: each key with its name, its place in the settings, its range and its meaning. Files,
// the environment, flags, `gridctl server config` and docs/configuration.md all go by it.
//
// Place     Above settings.h and tree.h, below config.h. A new setting is a field there and a line in keys.cc.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crdt/base/status.h"
#include "server/host/config/settings.h"
#include "server/host/config/tree.h"

namespace grid::server::config {

// Leads to a value; its type says what is written for it.
template <typename Section>
using Field = std::variant<std::string& (*)(Section&), bool& (*)(Section&), std::uint64_t& (*)(Section&),
                           Span& (*)(Section&), Size& (*)(Section&), std::vector<std::string>& (*)(Section&)>;

enum class Takes : std::uint8_t { on_reload, on_restart };

template <typename Section>
struct Key {
  std::string_view name;  // "log.level"
  Field<Section> field;
  Takes takes;
  std::string_view says;
  std::string_view choices{};  // Of a text: "a|b|c". Empty: any.
  std::uint64_t min = 0;       // Of a number, a span in milliseconds, a size in bytes, or the texts of a list.
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  bool is_secret = false;  // Nobody is told what it is.
};

// Of the gateway as a whole: "log.level" stands in [log].
std::span<const Key<Settings>> gateway_keys();
// Of its apps: these stand in [apps], for all of them, and in [app.NAME], for one.
std::span<const Key<AppSettings>> app_keys();

// Sets what `node` says. invalid: it is not of the key's type, or out of its range; `problem` says where.
template <typename Section>
Status set(const Key<Section>& key, Section& section, const Node& node, std::string& problem);
// The same of a text, as it stands in the environment or in a flag: a list has commas.
template <typename Section>
Status set(const Key<Section>& key, Section& section, std::string_view text, std::string& problem);

// Whether both have the same value.
template <typename Section>
bool is_same(const Key<Section>& key, const Section& one, const Section& other);
// The value as it would be written in a file; a secret's is not told.
template <typename Section>
std::string written(const Key<Section>& key, const Section& section);
// "a time", "one of info, warning" ...
template <typename Section>
std::string type_of(const Key<Section>& key);

}  // namespace grid::server::config
