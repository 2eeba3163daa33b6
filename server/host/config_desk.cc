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
const Shown& common(const std::map<std::string, Shown>& all, const Shown& one) {
  return all.at(std::string("apps.").append(one.name));
}

}  // namespace

AdminAnswer tell_config(const config::Config& started, const config::Config& now) {
  const std::map<std::string, Shown> before = by_key(started);
  const std::map<std::string, Shown> after = by_key(now);
  AdminAnswer answer;
  for (const Shown& one : now.shown()) {
    const auto found = before.find(one.key);
    const bool waits = one.takes == Takes::on_restart && !started.agrees_on(one, now);
    Shown counts = !waits ? one : found == before.end() ? common(before, one) : found->second;
    counts.key = one.key;
    answer.lines += line_of(counts, waits ? &one.value : nullptr);
  }
  // What was said of one app, and is said no more.
  for (const auto& [key, was] : before) {
    if (after.contains(key) || was.takes != Takes::on_restart || started.agrees_on(was, now)) continue;
    answer.lines += line_of(was, &common(after, was).value);
  }
  return answer;
}

}  // namespace grid::server
