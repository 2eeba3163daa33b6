// SPDX-License-Identifier: Apache-2.0
//
// The parser calls, the reader below writes the value as it goes; nothing is kept but the open objects and lists.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#define JSON_NOEXCEPTION
#include <nlohmann/json.hpp>

#include "crdt/base/limits.h"
#include "transport/json/base64.h"
#include "transport/json/date.h"
#include "transport/json/value_json.h"

namespace grid::json {

namespace {

using Parser = nlohmann::json;

// Hands the text to the parser and shows how far it has read.
class Feed {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Feed(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  Feed& operator++() {
    *read_ = ++at_;
    return *this;
  }
  friend bool operator==(const Feed& a, const Feed& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** read_;
};

// What an open object or list is.
enum class Form : std::uint8_t {
  list,
  undecided,  // An object whose first name has not come.
  record,
  raw_record,  // Inside {"$record": ...}: names may begin with '$'.
  bytes,       // The escapes; their one value is next, or has been.
  timestamp,
  ref,
  number,
  escaped_record,
};

struct Escape {
  std::string_view name;
  Form form;
  std::string_view takes;
};

constexpr Escape kEscapes[] = {
    {"$bytes", Form::bytes, "base64 text with padding"},
    {"$timestamp", Form::timestamp, "a date such as \"2026-11-21T02:01:00.123Z\" or whole milliseconds since 1970"},
    {"$ref", Form::ref, "text"},
    {"$number", Form::number, "\"nan\", \"inf\" or \"-inf\""},
    {"$record", Form::escaped_record, "an object"},
};

const Escape* escape_of(Form form) {
  const Escape* found = std::ranges::find(kEscapes, form, &Escape::form);
  return found == std::end(kEscapes) ? nullptr : found;
}

// `text` as a person may read it in an error: cut between two characters when it is long.
std::string shown(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string as_json(std::string_view text) {
  std::string out;
  append_json_text(out, shown(text, 48));
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The parser's own words, without its code, the place (told apart) and what it read (which may be no text).
std::string sentence_of(std::string_view what) {
  if (const std::size_t end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
  if (what.starts_with("parse error")) what.remove_prefix(std::min(what.size(), what.find(": ") + 2));
  return shown(what.substr(0, what.find("; last read: '")), 160);
}

class Reader {
 public:
  Reader(std::string_view text, MutBytes room, JsonError& error)
      : text_(text), read_(text.data()), behind_(text.data()), writer_(room), error_(error) {}

  Result<Bytes> parse() {
    const Feed first(text_.data(), &read_);
    const Feed last(text_.data() + text_.size(), &read_);
    if (!Parser::sax_parse(first, last, this)) return status_;
    const Result<Bytes> canonical = writer_.finish();
    if (canonical.ok()) return *canonical;
    // Everything else has been refused where it stood; only the room can still have been too small.
    refuse(Status::too_large, "the value takes more than " + std::to_string(kValueBytesMax) + " bytes");
    return status_;
  }

  // ---- what the parser calls

  bool null() {
    return scalar("null", [&] { writer_.null(); });
  }
  bool boolean(bool value) {
    return scalar("true or false", [&] { writer_.boolean(value); });
  }
  bool number_integer(std::int64_t value) {
    settle_number();
    if (in(Form::timestamp)) {
      writer_.timestamp(value);
      return settle();
    }
    return scalar("a number", [&] { writer_.integer(value); });
  }
  bool number_unsigned(std::uint64_t value) {
    if (value > INT64_MAX) return refuse_integer(std::to_string(value));
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& text) {
    settle_number();
    if (text.find_first_of(".eE") == std::string::npos) return refuse_integer(text);
    return scalar("a number", [&] { writer_.number(value); });
  }
  bool string(std::string& value) {
    if (in_escape()) return escaped(value);
    writer_.text(value);
    return settle();
  }
  bool binary(Parser::binary_t&) { return false; }  // Never in a text.

  bool start_object(std::size_t) {
    if (in(Form::escaped_record)) return begin(Form::raw_record);
    if (in_escape()) return refuse_escape("an object");
    open_.push_back({Form::undecided, {}});
    return settle();
  }
  bool key(std::string& name) {
    const Form form = open_.back().form;
    if (form == Form::undecided) return first_key(name);
    if (form == Form::record || form == Form::raw_record) return field(name);
    return refuse(Status::invalid, "an object with " + as_json(escape_of(form)->name) + " can't have other fields");
  }
  bool end_object() {
    if (in(Form::undecided) && !become(Form::record)) return false;
    if (!in_escape()) writer_.end_record();
    open_.pop_back();
    return settle();
  }
  bool start_array(std::size_t) {
    if (in_escape()) return refuse_escape("a list");
    return begin(Form::list);
  }
  bool end_array() {
    writer_.end_list();
    open_.pop_back();
    return settle();
  }
  bool parse_error(std::size_t position, const std::string&, const Parser::exception& trouble) {
    const std::size_t at = std::min(position == 0 ? 0 : position - 1, text_.size());
    return refuse_at(at, Status::invalid, sentence_of(trouble.what()));
  }

 private:
  struct Open {
    Form form;
    std::set<std::string, std::less<>> names;
  };

  bool in(Form form) const { return !open_.empty() && open_.back().form == form; }
  bool in_escape() const { return !open_.empty() && escape_of(open_.back().form) != nullptr; }

  template <typename Write>
  bool scalar(std::string_view what, Write write) {
    if (in_escape()) return refuse_escape(what);
    write();
    return settle();
  }

  bool begin(Form form) {
    open_.push_back({Form::undecided, {}});
    return become(form) && settle();
  }

  // Decides what the innermost object or list is, and begins it in the value.
  bool become(Form form) {
    if (depth() == kValueDepthMax) {
      return refuse(Status::too_large, "nested deeper than " + std::to_string(kValueDepthMax) + " lists and objects");
    }
    open_.back().form = form;
    form == Form::list ? writer_.begin_list() : writer_.begin_record();
    return true;
  }

  // Of the value: escapes are none of it.
  std::size_t depth() const {
    return static_cast<std::size_t>(std::ranges::count_if(open_, [](const Open& open) {
      return open.form == Form::list || open.form == Form::record || open.form == Form::raw_record;
    }));
  }

  bool first_key(const std::string& name) {
    if (!name.starts_with('$')) return become(Form::record) && field(name);
    const Escape* found = std::ranges::find(kEscapes, name, &Escape::name);
    if (found == std::end(kEscapes)) return refuse_dollar(name);
    open_.back().form = found->form;
    return settle();
  }

  bool field(const std::string& name) {
    Open& record = open_.back();
    if (record.form == Form::record && name.starts_with('$')) return refuse_dollar(name);
    if (record.names.size() == crdt::kRecordFieldsMax) {
      return refuse(Status::too_large, "a record has at most " + std::to_string(crdt::kRecordFieldsMax) + " fields");
    }
    if (!record.names.insert(name).second)
      return refuse(Status::invalid, "the field " + as_json(name) + " occurs twice");
    writer_.field(name);
    return settle();
  }

  bool escaped(const std::string& text) {
    std::string bytes;
    std::int64_t ms = 0;
    const Form form = open_.back().form;
    if (form == Form::bytes && parse_base64(text, bytes)) {
      writer_.bytes(as_bytes(bytes));
    } else if (form == Form::timestamp && parse_date(text, ms)) {
      writer_.timestamp(ms);
    } else if (form == Form::ref) {
      writer_.ref(text);
    } else if (form == Form::number && (text == "nan" || text == "inf" || text == "-inf")) {
      const double huge = std::numeric_limits<double>::infinity();
      writer_.number(text == "nan" ? std::numeric_limits<double>::quiet_NaN() : text == "inf" ? huge : -huge);
    } else {
      return refuse_escape(as_json(text));
    }
    return settle();
  }

  // A token is done with.
  bool settle() {
    behind_ = read_;
    return true;
  }
  // To know where a number ends, the parser has read one byte more, if there was one.
  void settle_number() {
    if (!is_digit(read_[-1])) --read_;
  }

  // ---- refusals; each returns false, which stops the parser

  bool refuse_integer(const std::string& text) {
    return refuse(Status::invalid,
                  "the integer " + shown(text, 48) + " is beyond 64 bits; with .0 behind it, it is a double");
  }
  bool refuse_dollar(const std::string& name) {
    return refuse(Status::invalid,
                  "the name " + as_json(name) + " begins with '$': write the record as {\"$record\": {...}}");
  }
  bool refuse_escape(std::string_view got) {
    const Escape& escape = *escape_of(open_.back().form);
    return refuse(Status::invalid,
                  std::string(escape.name) + " takes " + std::string(escape.takes) + ", not " + std::string(got));
  }
  // At the token that the parser has just handed over, which is never the end of anything.
  bool refuse(Status status, std::string sentence) {
    const std::size_t at = text_.find_first_not_of(" \t\n\r,:]}", static_cast<std::size_t>(behind_ - text_.data()));
    return refuse_at(std::min(at, text_.size()), status, std::move(sentence));
  }
  bool refuse_at(std::size_t at, Status status, std::string sentence) {
    status_ = status;
    const std::string_view before = text_.substr(0, at);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
    error_ = {.at = at,
              .line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
              .column = 1 + at - line_start,
              .sentence = std::move(sentence)};
    return false;
  }

  std::string_view text_;
  const char* read_;    // Behind what the parser has read,
  const char* behind_;  // and behind the last token that it has handed over.
  crdt::ValueWriter writer_;
  std::vector<Open> open_;
  Status status_ = Status::invalid;
  JsonError& error_;
};

}  // namespace

Status value_from_json(std::string_view text, std::string& canonical, JsonError& error) {
  // The densest text, a list of `0`s, takes two bytes of value for each of its own.
  canonical.resize(std::min(4 * text.size() + 64, kValueBytesMax));
  const MutBytes room(reinterpret_cast<std::uint8_t*>(canonical.data()), canonical.size());
  Reader reader(text, room, error);
  const Result<Bytes> value = reader.parse();
  canonical.resize(value.ok() ? value->size() : 0);
  return value.status();
}

}  // namespace grid::json
