// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/predicate.h"

#include "crdt/hash.h"
#include "crdt/query/order.h"

namespace grid::query {
namespace {

// What one evaluation may still look at, in characters. Used up, it stays so.
class Budget {
 public:
  bool take(std::size_t steps) {
    left_ = steps < left_ ? left_ - static_cast<std::uint32_t>(steps) : 0;
    return left_ != 0;
  }
  bool is_used_up() const { return left_ == 0; }

 private:
  std::uint32_t left_ = Predicate::kStepsMax;
};

bool is_equal(const Value& a, const Value& b) { return are_of_one_class(a, b) && compare(a, b) == 0; }

bool has_text(const Value& value) { return value.kind() == ValueKind::text || value.kind() == ValueKind::ref; }

bool has_part(std::string_view text, std::string_view part, Budget& budget) {
  for (std::size_t at = 0; at + part.size() <= text.size(); ++at) {
    std::size_t same = 0;
    while (same < part.size() && text[at + same] == part[same]) ++same;
    if (same == part.size()) return true;
    if (!budget.take(same + 1)) return false;
  }
  return false;
}

// Bytes of the UTF-8 character at the front of `text`, which is not empty.
std::size_t character_bytes(std::string_view text) {
  std::size_t count = 1;
  while (count < text.size() && (static_cast<unsigned char>(text[count]) & 0xc0) == 0x80) ++count;
  return count;
}

// One piece of a pattern against the front of `text`: takes both off when they fit.
bool take_one(std::string_view& text, std::string_view& pattern) {
  if (text.empty() || pattern.empty()) return false;
  if (pattern[0] == '_') {
    pattern.remove_prefix(1);
    text.remove_prefix(character_bytes(text));
    return true;
  }
  const std::size_t escape = pattern[0] == '\\' && pattern.size() > 1 ? 1 : 0;
  if (pattern[escape] != text[0]) return false;
  pattern.remove_prefix(escape + 1);
  text.remove_prefix(1);
  return true;
}

// Where the text goes wrong, the last % takes one character more; those before it need never change.
bool is_like(std::string_view text, std::string_view pattern, Budget& budget) {
  std::string_view text_behind, pattern_behind;
  bool is_any = false;
  while (!text.empty()) {
    if (!budget.take(1)) return false;
    if (!pattern.empty() && pattern[0] == '%') {
      pattern.remove_prefix(1);
      pattern_behind = pattern;
      text_behind = text;
      is_any = true;
    } else if (!take_one(text, pattern)) {
      if (!is_any) return false;
      text_behind.remove_prefix(character_bytes(text_behind));
      text = text_behind;
      pattern = pattern_behind;
    }
  }
  return pattern.find_first_not_of('%') == std::string_view::npos;
}

bool is_in(const Value& value, const Value& list, Budget& budget) {
  for (Value::Walk walk(list); walk.next();) {
    if (is_equal(value, walk.value())) return true;
    if (!budget.take(1)) return false;
  }
  return false;
}

bool contains(const Value& value, const Value& part, Budget& budget) {
  if (value.kind() == ValueKind::list) return is_in(part, value, budget);
  if (has_text(value) && part.kind() == ValueKind::text) return has_part(value.text_or({}), part.text_or({}), budget);
  if (value.kind() == ValueKind::bytes && part.kind() == ValueKind::bytes) {
    return has_part(as_text(value.bytes_or({})), as_text(part.bytes_or({})), budget);
  }
  return false;
}

bool is_between(const Value& value, const Value& bounds) {
  Value::Walk walk(bounds);
  walk.next();
  const Value low = walk.value();
  walk.next();
  const Value high = walk.value();
  return are_of_one_class(value, low) && are_of_one_class(value, high) && compare(value, low) >= 0 &&
         compare(value, high) <= 0;
}

bool is_null(const Value& value) { return !value.exists() || value.kind() == ValueKind::null; }

// Null has no order but with itself.
bool has_order(const Value& value, const Value& operand) { return are_of_one_class(value, operand) && !is_null(value); }

bool answer_of(Test test, const Value& value, const Value& operand, Budget& budget) {
  switch (test) {
    case Test::equal:
      return is_equal(value, operand);
    case Test::less:
      return has_order(value, operand) && compare(value, operand) < 0;
    case Test::at_most:
      return has_order(value, operand) && compare(value, operand) <= 0;
    case Test::greater:
      return has_order(value, operand) && compare(value, operand) > 0;
    case Test::at_least:
      return has_order(value, operand) && compare(value, operand) >= 0;
    case Test::between:
      return !is_null(value) && is_between(value, operand);
    case Test::in:
      return value.exists() && is_in(value, operand, budget);
    case Test::like:
      return has_text(value) && is_like(value.text_or({}), operand.text_or({}), budget);
    case Test::starts_with:
      return has_text(value) && value.text_or({}).starts_with(operand.text_or({}));
    case Test::contains:
      return contains(value, operand, budget);
    case Test::exists:
      return value.exists();
    case Test::is_null:
      return is_null(value);
  }
  return false;
}

}  // namespace

Verdict Predicate::judge(const Row& row) const {
  Budget budget;
  Path::Room room;
  std::size_t at = program_.empty() ? kAccept : 0;
  while (at < kReject) {
    const Step step(program_, at);
    at = step.next(answer_of(step.test(), step.path().of(row, room), step.operand(), budget));
    if (budget.is_used_up()) return Verdict::too_costly;
  }
  return at == kAccept ? Verdict::yes : Verdict::no;
}

std::uint64_t Predicate::hash() const { return crdt::hash64(program_); }

}  // namespace grid::query
