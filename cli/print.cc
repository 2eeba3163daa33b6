// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

using crdt::ValueKind;

std::string row_json(std::string_view key, const Value& value, crdt::View view) {
  const char* const suffix = view == crdt::View::or_map    ? ",\"view\":\"set\"}"
                             : view == crdt::View::counter ? ",\"view\":\"counter\"}"
                                                           : "}";
  return "{\"key\":" + json_text(key) + ",\"value\":" + json::json_from_value(value) + suffix;
}

[[noreturn]] void fail_output() {
  throw Failure(Exit::failure, std::string("cannot write to stdout: ") + std::strerror(errno));
}

}  // namespace

Format resolved(Format format) {
  if (format != Format::automatic) return format;
  return ::isatty(STDOUT_FILENO) == 1 ? Format::table : Format::ndjson;
}

void print(std::string_view data) {
  if (std::fwrite(data.data(), 1, data.size(), stdout) != data.size()) fail_output();
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail_output();
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

std::string padded(std::string_view text, std::size_t columns) {
  const std::size_t wide = columns_of(text);
  return std::string(text).append(columns > wide ? columns - wide : 0, ' ');
}

void RowPrinter::row(std::string_view key, const Value& value, crdt::View view) {
  line(key, json::json_from_value(value), row_json(key, value, view));
}

void RowPrinter::fact(std::string_view entity, const Fact& fact) {
  const std::string predicate = json_text(fact.predicate), object = json::json_from_value(fact.object);
  line(entity, predicate + ": " + object,
       "{\"key\":" + json_text(entity) + ",\"predicate\":" + predicate + ",\"value\":" + object + ",\"view\":\"" +
           (fact.is_many ? "facts" : "fact") + "\"}");
}

void RowPrinter::line(std::string_view key, const std::string& shown, const std::string& whole) {
  const bool is_same_key = ++count_ > 1 && key == last_key_;
  last_key_ = key;
  switch (format_) {
    case Format::table:
      table_.emplace_back(key, shown);
      break;
    case Format::json:
      print((count_ == 1 ? "[" : ",\n ") + whole);
      break;
    case Format::raw:
      if (!is_same_key) print(std::string(key) + "\n");
      break;
    default:
      print(whole + "\n");
  }
}

void RowPrinter::finish() {
  if (format_ == Format::json) print(count_ == 0 ? "[]\n" : "]\n");
  if (table_.empty()) return;
  std::size_t wide = 3;
  for (const auto& [key, value] : table_) wide = std::max(wide, columns_of(key));
  print(padded("KEY", wide) + "  VALUE\n");
  for (const auto& [key, value] : table_) print(padded(key, wide) + "  " + value + "\n");
}

Report& Report::text(std::string_view name, std::string_view value) {
  entries_.push_back({std::string(name), json_text(value), std::string(value)});
  return *this;
}

Report& Report::number(std::string_view name, std::int64_t value) {
  entries_.push_back({std::string(name), std::to_string(value), std::to_string(value)});
  return *this;
}

Report& Report::count(std::string_view name, std::uint64_t value) {
  entries_.push_back({std::string(name), std::to_string(value), std::to_string(value)});
  return *this;
}

Report& Report::decimal(std::string_view name, double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::fixed, 1).ptr;
  const std::string text(digits, end);
  entries_.push_back({std::string(name), text, text});
  return *this;
}

// Text as it is, unless it could play with the terminal.
Report& Report::value(std::string_view name, const Value& value) {
  if (!value.exists()) return nothing(name);
  const std::string json = json::json_from_value(value);
  const std::string_view text = value.text_or({});
  const bool is_plain = value.kind() == ValueKind::text && std::none_of(text.begin(), text.end(), [](char byte) {
                          return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
                        });
  entries_.push_back({std::string(name), json, is_plain ? std::string(text) : json});
  return *this;
}

Report& Report::truth(std::string_view name, bool value) {
  entries_.push_back({std::string(name), value ? "true" : "false", value ? "yes" : "no"});
  return *this;
}

Report& Report::nothing(std::string_view name) {
  entries_.push_back({std::string(name), "null", "-"});
  return *this;
}

std::string Report::json() const {
  std::string object = "{";
  for (const Entry& entry : entries_) {
    if (object.size() > 1) object += ",";
    object += json_text(entry.name) + ":" + entry.json;
  }
  return object + "}";
}

std::string Report::plain() const {
  std::string line;
  for (const Entry& entry : entries_) line += (line.empty() ? "" : "  ") + entry.plain;
  return line;
}

void print_all(const std::vector<Report>& reports, Format format) {
  const Format chosen = resolved(format);
  if (chosen == Format::json) print("[");
  for (const Report& report : reports) {
    if (chosen == Format::json) {
      print((&report == reports.data() ? "" : ",\n ") + report.json());
    } else {
      print((chosen == Format::ndjson ? report.json() : report.plain()) + "\n");
    }
  }
  if (chosen == Format::json) print("]\n");
}

void Report::print(Format format) const {
  const Format chosen = resolved(format);
  if (chosen == Format::json || chosen == Format::ndjson) return cli::print(json() + "\n");
  std::size_t wide = 0;
  for (const Entry& entry : entries_) wide = std::max(wide, columns_of(entry.name));
  for (const Entry& entry : entries_) {
    cli::print(chosen == Format::raw ? entry.name + "=" + entry.plain + "\n"
                                     : padded(entry.name, wide) + "  " + entry.plain + "\n");
  }
}

}  // namespace grid::cli
