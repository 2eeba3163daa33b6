// SPDX-License-Identifier: Apache-2.0

#include "server/host/log.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "ports/port.h"
#include "transport/json/date.h"
#include "transport/json/value_json.h"

namespace grid::server {

namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
// Of syslog, as systemd's journal reads them in front of a line: sd-daemon(3).
constexpr std::array<std::string_view, 4> kPriorities = {"<7>", "<6>", "<4>", "<3>"};

// systemd says in JOURNAL_STREAM which file its journal reads.
bool is_read_by_journal(int file) {
  const char* const said = std::getenv("JOURNAL_STREAM");
  struct stat at {};
  if (said == nullptr || ::fstat(file, &at) != 0) return false;
  return said == std::to_string(at.st_dev) + ":" + std::to_string(at.st_ino);
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F) return false;
  }
  return !text.empty();
}

// JSON's escapes are logfmt's too.
std::string quoted(std::string_view text) {
  std::string out;
  json::append_json_text(out, text);
  return out;
}

}  // namespace

void Log::configure(const config::LogSettings& settings) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (settings.level == kLevels[i]) level_ = static_cast<Level>(i);
  }
  const bool is_journal = settings.format == "journal" || (settings.format == "auto" && is_read_by_journal(file_));
  format_ = settings.format == "json" ? Format::json : is_journal ? Format::journal : Format::logfmt;
  repeat_ms_ = settings.repeat.ms;
}

std::uint64_t Log::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

void Log::say(Level level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!wants(level)) return;
  const std::lock_guard lock(mutex_);
  std::string line = fields_of(fields);
  std::uint32_t left_out = 0;
  if (level != Level::debug && !may_say(level, message, line, left_out)) return;
  if (left_out > 0) line += counted("left_out", left_out);
  write(level, message, line);
}

bool Log::may_say(Level level, std::string_view message, const std::string& line, std::uint32_t& left_out) {
  const std::string name = std::string(kLevels[static_cast<std::size_t>(level)]).append(message);
  const std::uint64_t now_ms = port::monotonic_ms();
  if (recent_.size() >= kRecentMax && recent_.find(name) == recent_.end()) recent_.clear();
  Recent& recent = recent_[name];
  if (now_ms >= recent.since_ms + repeat_ms_) {
    left_out = recent.left_out;
    recent = {.since_ms = now_ms};
  }
  if (recent.said >= kBurst || (recent.said > 0 && recent.last == line)) return ++left_out_, ++recent.left_out, false;
  ++recent.said;
  recent.last = line;
  return true;
}

std::string Log::fields_of(std::initializer_list<LogField> fields) const {
  std::string out;
  for (const LogField& field : fields) {
    if (field.is_number) {
      out += counted(field.name, field.number);
    } else if (format_ == Format::json) {
      out.append(",").append(quoted(field.name)).append(":").append(quoted(field.text));
    } else {
      out.append(" ").append(field.name).append("=").append(is_plain(field.text) ? field.text : quoted(field.text));
    }
  }
  return out;
}

std::string Log::counted(std::string_view name, std::uint64_t count) const {
  const std::string number = std::to_string(count);
  if (format_ == Format::json) return "," + quoted(name) + ":" + number;
  return " " + std::string(name) + "=" + number;
}

void Log::write(Level level, std::string_view message, std::string_view fields) {
  const std::string_view name = kLevels[static_cast<std::size_t>(level)];
  const auto now_ms = static_cast<std::int64_t>(port::wall_ms());
  std::string line;
  if (format_ == Format::json) {
    json::append_date(line = R"({"time":")", now_ms);
    line.append(R"(","level":")").append(name).append(R"(","msg":)").append(quoted(message)).append(fields).append("}");
  } else if (format_ == Format::journal) {
    line = std::string(kPriorities[static_cast<std::size_t>(level)]).append("msg=").append(quoted(message));
    line.append(fields);
  } else {
    json::append_date(line = "time=", now_ms);
    line.append(" level=").append(name).append(" msg=").append(quoted(message)).append(fields);
  }
  if (dropped_ > 0) line.insert(format_ == Format::json ? line.size() - 1 : line.size(), counted("dropped", dropped_));
  line += '\n';
  pollfd to{file_, POLLOUT, 0};
  const bool is_taken = ::poll(&to, 1, 0) == 1 && (to.revents & POLLOUT) != 0 &&
                        ::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  left_out_ += is_taken ? 0 : 1;
  dropped_ = is_taken ? 0 : dropped_ + 1;
}

}  // namespace grid::server
