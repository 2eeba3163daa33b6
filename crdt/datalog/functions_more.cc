// SPDX-License-Identifier: Apache-2.0
//
// The functions that take texts apart or put lists together. Not in a lean engine (lean.h).

#include <algorithm>
#include <charconv>

#include "crdt/datalog/functions.h"
#include "crdt/datalog/number_text.h"

namespace grid::datalog {
namespace {

bool is_text(Atom atom) { return atom.kind() == AtomKind::text; }

// Bytes of the first `count` characters, or of all where there are fewer.
std::size_t bytes_of_characters(std::string_view text, std::uint64_t count) {
  std::size_t at = 0;
  while (at < text.size() && count-- > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
  }
  return at;
}

std::int64_t characters_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; });
}

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

}  // namespace

Result<Atom> Functions::of_text(Call call, Arguments arguments) {
  if (call == Call::concatenate) return joined(arguments);
  if (arguments.empty()) return kNil;
  if (call == Call::is_blank && arguments[0] == kNil) return kTrue;
  if (!is_text(arguments[0])) return kNil;
  const std::string_view text = words_.text(arguments[0]);
  if (call == Call::is_blank) return atom_of(std::all_of(text.begin(), text.end(), is_space));
  if (call == Call::upper_case || call == Call::lower_case) return cased(arguments[0], call == Call::upper_case);
  if (call == Call::substring) return cut(arguments);
  if (arguments.size() < 2 || !is_text(arguments[1])) return kNil;
  const std::string_view part = words_.text(arguments[1]);
  if (call == Call::starts_with) return atom_of(text.starts_with(part));
  if (call == Call::ends_with) return atom_of(text.ends_with(part));
  return atom_of(text.find(part) != std::string_view::npos);
}

Status Functions::say(std::string_view text) {
  const std::size_t size = room_.size();
  GRID_TRY(room_.resize(size + text.size()));
  copy(as_bytes(text), {room_.data() + size, text.size()});
  return Status::ok;
}

Status Functions::say(Atom atom) {
  if (is_text(atom)) return say(words_.text(atom));
  if (atom.kind() == AtomKind::boolean) return say(std::string_view(atom == kTrue ? "true" : "false"));
  char digits[kNumberTextMax];
  const bool is_date = class_of(atom.kind()) == class_of(AtomKind::date);
  if (!is_date && !is_number(atom)) return Status::ok;
  const Number number = is_date ? Number{true, moment_of(atom, words_), 0} : this->number(atom);
  if (!number.is_whole) return say(text_of_number(number.real, digits));
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number.whole);
  return say(std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

Result<Atom> Functions::joined(Arguments arguments) {
  room_.clear();
  for (const Atom argument : arguments) GRID_TRY(say(argument));
  return atom_of_text(as_text({room_.data(), room_.size()}), words_);
}

Result<Atom> Functions::cut(Arguments arguments) {
  const std::string_view text = words_.text(arguments[0]);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (!is_number(arguments[i]) || !number(arguments[i]).is_whole || number(arguments[i]).whole < 0) return kNil;
  }
  const std::int64_t all = characters_of(text);
  const std::int64_t from = arguments.size() > 1 ? number(arguments[1]).whole : 0;
  const std::int64_t to = arguments.size() > 2 ? number(arguments[2]).whole : all;
  if (from > to || to > all) return kNil;
  const std::size_t begin = bytes_of_characters(text, static_cast<std::uint64_t>(from));
  const std::size_t end = bytes_of_characters(text, static_cast<std::uint64_t>(to));
  room_.clear();
  GRID_TRY(say(text.substr(begin, end - begin)));
  return atom_of_text(as_text({room_.data(), room_.size()}), words_);
}

// Of ASCII alone: other letters stay as they are on every machine.
Result<Atom> Functions::cased(Atom text, bool is_upper) {
  room_.clear();
  GRID_TRY(say(words_.text(text)));
  for (std::uint8_t& byte : room_) {
    const bool is_other = is_upper ? byte >= 'a' && byte <= 'z' : byte >= 'A' && byte <= 'Z';
    if (is_other) byte ^= 0x20;
  }
  return atom_of_text(as_text({room_.data(), room_.size()}), words_);
}

Result<Atom> Functions::of_values(Call call, Arguments arguments) {
  const Atom first = arguments.empty() ? kNil : arguments[0];
  switch (call) {
    case Call::identity:
    case Call::ground:
    case Call::untuple:
      return first;
    case Call::count:
      return count_of(first);
    case Call::is_empty:
    case Call::is_not_empty: {
      const Result<Atom> count = count_of(first);
      if (!count.ok()) return count;
      const bool is_empty = first == kNil || *count == atom_of_decimal(0, 0);
      if (call == Call::is_empty) return *count == kNil ? kNil : atom_of(is_empty);
      return is_empty ? kNil : first;
    }
    case Call::contains: {
      if (arguments.size() < 2) return kNil;
      const Result<bool> has = has_item(first, arguments[1]);
      return has.ok() ? Result<Atom>(atom_of(*has)) : Result<Atom>(has.status());
    }
    case Call::get:
      return item_of(arguments);
    case Call::tuple:
      return listed(arguments);
    case Call::compare: {
      if (arguments.size() < 2) return kNil;
      const int order = words_.order(first, arguments[1]);
      return atom_of_decimal(order < 0 ? -1 : order > 0 ? 1 : 0, 0);
    }
    case Call::type_of:
      return type_of(first);
    default:
      return of_logic(call, arguments);
  }
}

Result<Atom> Functions::count_of(Atom atom) {
  if (atom == kNil) return atom_of_decimal(0, 0);
  if (is_text(atom)) return atom_of_whole(characters_of(words_.text(atom)), words_);
  if (atom.kind() == AtomKind::bytes)
    return atom_of_whole(static_cast<std::int64_t>(words_.bytes_of(atom.symbol()).size()), words_);
  if (atom.kind() != AtomKind::list && atom.kind() != AtomKind::record) return kNil;
  std::int64_t count = 0;
  for (Value::Walk walk(Value(words_.bytes_of(atom.symbol()))); walk.next();) ++count;
  return atom_of_whole(count, words_);
}

Result<bool> Functions::has_item(Atom list, Atom item) {
  if (list.kind() != AtomKind::list) return false;
  for (Value::Walk walk(Value(words_.bytes_of(list.symbol()))); walk.next();) {
    const Result<Atom> standing = words_.atom(walk.value());
    if (!standing.ok()) return standing.status();
    if (*standing == item) return true;
  }
  return false;
}

Result<Atom> Functions::item_of(Arguments arguments) {
  if (arguments.size() < 2) return kNil;
  const Atom otherwise = arguments.size() > 2 ? arguments[2] : kNil;
  const bool is_list = arguments[0].kind() == AtomKind::list && is_number(arguments[1]);
  const bool is_record = arguments[0].kind() == AtomKind::record && is_text(arguments[1]);
  if (!is_list && !is_record) return otherwise;
  const Value whole(words_.bytes_of(arguments[0].symbol()));
  if (is_record) {
    const Value field = whole[words_.text(arguments[1])];
    return field.exists() ? words_.atom(field) : Result<Atom>(otherwise);
  }
  const Number wanted = number(arguments[1]);
  std::int64_t at = 0;
  for (Value::Walk walk(whole); walk.next(); ++at) {
    if (wanted.is_whole && at == wanted.whole) return words_.atom(walk.value());
  }
  return otherwise;
}

Result<Atom> Functions::listed(Arguments arguments) {
  std::size_t size = 16;
  for (const Atom argument : arguments)
    size += 24 + (argument.is_symbol() ? words_.bytes_of(argument.symbol()).size() : 0);
  GRID_TRY(room_.resize(size));
  crdt::ValueWriter writer({room_.data(), room_.size()});
  writer.begin_list();
  for (const Atom argument : arguments) write_atom(argument, words_, writer);
  writer.end_list();
  const Result<Bytes> list = writer.finish();
  if (!list.ok()) return kNil;  // Nested too deep.
  const Result<std::uint32_t> symbol = words_.intern(*list);
  if (!symbol.ok()) return symbol.status();
  return atom_of_symbol(AtomKind::list, *symbol, {});
}

Result<Atom> Functions::type_of(Atom atom) {
  std::string_view name;
  switch (atom.kind()) {
    case AtomKind::boolean:
      name = "boolean";
      break;
    case AtomKind::text:
      name = "string";
      break;
    case AtomKind::bytes:
      name = "bytes";
      break;
    case AtomKind::list:
      name = "list";
      break;
    case AtomKind::record:
      name = "record";
      break;
    case AtomKind::date:
    case AtomKind::wide_date:
      name = "date";
      break;
    case AtomKind::number:
    case AtomKind::wide_integer:
    case AtomKind::wide_number:
      name = number(atom).is_whole ? "integer" : "number";
      break;
    default:
      return kNil;
  }
  return atom_of_text(name, words_);
}

}  // namespace grid::datalog
