// SPDX-License-Identifier: Apache-2.0

#include "server/host/config_desk.h"

#include <map>

#include "transport/json/value_json.h"

namespace grid::server {

namespace {

using config::Shown;
using config::Takes;

std::map<std::string, Shown> by_key(const config::Config& config) {
  std::map<std::string, Shown> all;
  for (Shown& one : config.shown()) all.emplace(one.key, std::move(one));
  return all;
}

// As it is written in a file, which is JSON too, unless there is something odd in a text.
void append_value(std::string& line, const std::string& value) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(value, canonical, error) == Status::ok) {
    line += value;
  } else {
    json::append_json_text(line, value);
  }
}

std::string line_of(const Shown& counts, const std::string* waits) {
  std::string line = "{\"key\":";
  json::append_json_text(line, counts.key);
  append_value(line += ",\"value\":", counts.value);
  json::append_json_text(line += ",\"origin\":", counts.origin);
  if (waits != nullptr) append_value(line += ",\"waits\":", *waits);
  return line += "}\n";
}

// What holds for an app for which nothing is said of its own.
const Shown* common(const std::map<std::string, Shown>& all, const std::string& key) {
  const std::size_t name = key.find('.');
  const std::size_t field = name == std::string::npos ? name : key.find('.', name + 1);
  if (!key.starts_with("app.") || field == std::string::npos) return nullptr;
  const auto found = all.find("apps" + key.substr(field));
  return found == all.end() ? nullptr : &found->second;
}

}  // namespace

AdminAnswer tell_config(const config::Config& started, const config::Config& now) {
  const std::map<std::string, Shown> before = by_key(started);
  const std::map<std::string, Shown> after = by_key(now);
  AdminAnswer answer;
  for (const Shown& one : now.shown()) {
    const auto found = before.find(one.key);
    const Shown* const was = found == before.end() ? common(before, one.key) : &found->second;
    const bool waits = one.takes == Takes::on_restart && was != nullptr && was->value != one.value;
    Shown counts = waits ? *was : one;
    counts.key = one.key;
    answer.lines += line_of(counts, waits ? &one.value : nullptr);
  }
  // What was said of one app, and is said no more.
  for (const auto& [key, was] : before) {
    const Shown* const next = common(after, key);
    if (after.contains(key) || next == nullptr || was.takes != Takes::on_restart || next->value == was.value) continue;
    answer.lines += line_of(was, &next->value);
  }
  return answer;
}

}  // namespace grid::server
