// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/functions.h"

#include <charconv>
#include <cmath>

#include "crdt/datalog/number_text.h"
#include "crdt/datalog/scan.h"

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

Result<Atom> Functions::call(Call call, Arguments arguments) {
  switch (call) {
    case Call::equal:
    case Call::unequal:
    case Call::less:
    case Call::at_most:
    case Call::greater:
    case Call::at_least:
      return atom_of(holds(call, arguments));
    case Call::missing:
    case Call::get_else:
    case Call::get_some:
      return of_facts(call, arguments);
    case Call::add:
    case Call::subtract:
    case Call::multiply:
    case Call::divide:
    case Call::quotient:
    case Call::remainder:
    case Call::modulo:
    case Call::increment:
    case Call::decrement:
    case Call::greatest:
    case Call::least:
    case Call::is_zero:
    case Call::is_positive:
    case Call::is_negative:
    case Call::is_even:
    case Call::is_odd:
      return of_numbers(call, arguments);
    case Call::concatenate:
    case Call::substring:
    case Call::starts_with:
    case Call::ends_with:
    case Call::includes:
    case Call::is_blank:
    case Call::upper_case:
    case Call::lower_case:
      return of_text(call, arguments);
    default:
      return of_values(call, arguments);
  }
}

bool Functions::holds(Call comparison, Arguments arguments) const {
  const bool is_unequal = comparison == Call::unequal;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const int order = words_.order(arguments[i - 1], arguments[i]);
    const bool is_so = is_unequal || comparison == Call::equal ? order == 0
                       : comparison == Call::less              ? order < 0
                       : comparison == Call::at_most           ? order <= 0
                       : comparison == Call::greater           ? order > 0
                                                               : order >= 0;
    if (!is_so) return is_unequal;
  }
  return !is_unequal;
}

// Of several the least; none where there is no such fact.
Atom Functions::least_value(Atom entity, Atom attribute) const {
  Wanted wanted;
  wanted.entity = entity;
  wanted.attribute = index_.attribute_named(attribute);
  if (wanted.attribute == kNoAttribute) return {};
  Scan scan(index_, words_, wanted);
  Atom least;
  for (Fact fact; scan.next(fact);) {
    if (!least.exists() || words_.order(fact.value, least) < 0) least = fact.value;
  }
  return least;
}

Result<Atom> Functions::of_facts(Call call, Arguments arguments) {
  if (arguments.size() < 2) return kNil;
  const std::size_t last = call == Call::get_some ? arguments.size() : 2;
  for (std::size_t i = 1; i < last; ++i) {
    const Atom found = least_value(arguments[0], arguments[i]);
    if (!found.exists()) continue;
    if (call == Call::missing) return kFalse;
    if (call == Call::get_else) return found;
    const Atom pair[] = {arguments[i], found};
    return listed(pair);
  }
  if (call == Call::missing) return kTrue;
  return call == Call::get_else && arguments.size() > 2 ? arguments[2] : kNil;
}

Result<Atom> Functions::atom(const Number& number) {
  return number.is_whole ? atom_of_whole(number.whole, words_) : atom_of_number(number.real, words_);
}

Result<Atom> Functions::of_numbers(Call call, Arguments arguments) {
  for (const Atom argument : arguments) {
    if (!is_number(argument)) return kNil;
  }
  if (arguments.empty())
    return call == Call::add || call == Call::multiply ? atom_of_whole(call == Call::multiply, words_)
                                                       : Result<Atom>(kNil);
  switch (call) {
    case Call::increment:
      return of_two(Call::add, number(arguments[0]), {true, 1, 0});
    case Call::decrement:
      return of_two(Call::subtract, number(arguments[0]), {true, 1, 0});
    case Call::is_zero:
    case Call::is_positive:
    case Call::is_negative:
    case Call::is_even:
    case Call::is_odd:
      return of_one(call, number(arguments[0]));
    default:
      return fold(call, arguments);
  }
}

Atom Functions::of_one(Call call, const Number& number) const {
  const int sign = compare(number, {true, 0, 0});
  if (call == Call::is_zero) return atom_of(sign == 0);
  if (call == Call::is_positive) return atom_of(sign > 0);
  if (call == Call::is_negative) return atom_of(sign < 0 && number.as_double() == number.as_double());
  if (!number.is_whole) return kNil;
  return atom_of((number.whole % 2 == 0) == (call == Call::is_even));
}

// Of one argument `-` is its negative, `/` its reciprocal.
Result<Atom> Functions::fold(Call call, Arguments arguments) {
  if (arguments.size() == 1) {
    if (call == Call::subtract) return of_two(call, {true, 0, 0}, number(arguments[0]));
    if (call == Call::divide) return of_two(call, {true, 1, 0}, number(arguments[0]));
    return arguments[0];
  }
  Atom all = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Result<Atom> next = of_two(call, number(all), number(arguments[i]));
    if (!next.ok() || *next == kNil) return next;
    all = *next;
  }
  return all;
}

Result<Atom> Functions::of_two(Call call, const Number& a, const Number& b) {
  if (call == Call::greatest) return atom(compare(a, b) < 0 ? b : a);
  if (call == Call::least) return atom(compare(a, b) > 0 ? b : a);
  if (a.is_whole && b.is_whole) {
    bool is_done = true;
    const Result<Atom> whole = of_whole(call, a.whole, b.whole, is_done);
    if (is_done) return whole;
  }
  const double x = a.as_double();
  const double y = b.as_double();
  const bool divides = call >= Call::divide && call <= Call::modulo;
  if (divides && y == 0) return kNil;
  const double rest = call == Call::remainder || call == Call::modulo ? std::fmod(x, y) : 0;
  switch (call) {
    case Call::add:
      return atom_of_number(x + y, words_);
    case Call::subtract:
      return atom_of_number(x - y, words_);
    case Call::multiply:
      return atom_of_number(x * y, words_);
    case Call::divide:
      return atom_of_number(x / y, words_);
    case Call::quotient:
      return atom_of_number(std::trunc(x / y), words_);
    case Call::modulo:
      return atom_of_number(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest, words_);
    default:
      return atom_of_number(rest, words_);
  }
}

// Not done: what comes out is beyond 64 bits, or not whole.
Result<Atom> Functions::of_whole(Call call, std::int64_t a, std::int64_t b, bool& is_done) {
  std::int64_t result = 0;
  switch (call) {
    case Call::add:
      is_done = !__builtin_add_overflow(a, b, &result);
      break;
    case Call::subtract:
      is_done = !__builtin_sub_overflow(a, b, &result);
      break;
    case Call::multiply:
      is_done = !__builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) return kNil;
      if (b == -1) {  // The least integer has no negative.
        const bool is_quotient = call == Call::divide || call == Call::quotient;
        is_done = !is_quotient || !__builtin_sub_overflow(std::int64_t{0}, a, &result);
        break;
      }
      is_done = call != Call::divide || a % b == 0;
      result = call == Call::divide || call == Call::quotient ? a / b : a % b;
      if (call == Call::modulo && result != 0 && (result < 0) != (b < 0)) result += b;
  }
  return is_done ? atom_of_whole(result, words_) : Result<Atom>(kNil);
}

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

Atom Functions::of_logic(Call call, Arguments arguments) const {
  const Atom first = arguments.empty() ? kNil : arguments[0];
  switch (call) {
    case Call::is_true:
      return atom_of(first == kTrue);
    case Call::is_false:
      return atom_of(first == kFalse);
    case Call::is_nil:
      return atom_of(first == kNil);
    case Call::is_some:
      return atom_of(first != kNil);
    case Call::truth_not:
      return atom_of(!is_true(first));
    default:
      break;
  }
  // The first that settles it, or the last.
  const bool settles = call == Call::truth_or;
  for (const Atom argument : arguments) {
    if (is_true(argument) == settles) return argument;
  }
  return arguments.empty() ? atom_of(!settles) : arguments.back();
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
