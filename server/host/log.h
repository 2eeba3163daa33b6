// SPDX-License-Identifier: Apache-2.0
//
// Log: what gridd says to people and to the programs that read for them: lines of named fields.
//
// Place     Lowest of server/host; nothing that it is given may be a secret.
// Promises  Never blocks: a line that stderr does not take is dropped, and counted in the next that it takes. One that
//           comes again and again is said now and then, with a count; but at level debug each is said.
// Threads   Any.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "server/host/config/settings.h"

namespace grid::server {

// One field of a line; a number is written without quotes.
struct LogField {
  std::string_view name;
  std::string_view text{};
  std::uint64_t number = 0;
  bool is_number = false;

  LogField(std::string_view field, std::string_view value) : name(field), text(value) {}
  LogField(std::string_view field, std::uint64_t value) : name(field), number(value), is_number(true) {}
};

class Log {
 public:
  enum class Level : std::uint8_t { debug, info, warning, error };
  // A message is said so often in `repeat`, and the very same line once.
  static constexpr std::uint32_t kBurst = 10;

  explicit Log(int file = 2) : file_(file) {}
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void configure(const config::LogSettings& settings);
  bool wants(Level level) const { return level >= level_.load(std::memory_order_relaxed); }
  // Lines that repeated others, or that the file did not take.
  std::uint64_t left_out() const;
  // `message` says what has happened, `fields` to what. Lines of one message are limited together.
  void say(Level level, std::string_view message, std::initializer_list<LogField> fields = {});

 private:
  enum class Format : std::uint8_t { logfmt, json, journal };
  struct Recent {
    std::uint64_t since_ms = 0;
    std::uint32_t said = 0;
    std::uint32_t left_out = 0;
    std::string last{};
  };
  static constexpr std::size_t kRecentMax = 256;

  bool may_say(Level level, std::string_view message, const std::string& line, std::uint32_t& left_out);
  void write(Level level, std::string_view message, std::string_view fields);
  std::string fields_of(std::initializer_list<LogField> fields) const;
  std::string counted(std::string_view name, std::uint64_t count) const;

  const int file_;
  mutable std::mutex mutex_;
  std::atomic<Level> level_ = Level::info;
  Format format_ = Format::logfmt;
  std::uint64_t repeat_ms_ = 10'000;
  std::uint64_t dropped_ = 0;
  std::uint64_t left_out_ = 0;
  std::map<std::string, Recent, std::less<>> recent_;  // By level and message.
};

}  // namespace grid::server
