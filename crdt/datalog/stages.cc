// SPDX-License-Identifier: Apache-2.0
//
// The stages of a plan that ask nobody but the index and the functions: rows in, rows out.

#include "crdt/datalog/engine.h"
#include "crdt/datalog/scan.h"

namespace grid::datalog {
namespace {

// Looking up a row's fact costs as much as going through so many.
constexpr std::size_t kSeekInFacts = 4;
constexpr std::uint32_t kFewRows = 64;

}  // namespace

std::string_view Engine::way_of(const Stage& stage) const {
  const auto is_known = [&stage](std::size_t at) {
    const Operand::Kind kind = stage.operands[at].kind;
    return kind == Operand::Kind::constant || kind == Operand::Kind::column;
  };
  switch (stage.kind) {
    case Stage::Kind::pattern:
    case Stage::Kind::absence:
      if (stage.has_hashed) return "hash";
      if (is_known(0)) return "entity";
      if (!is_known(1)) return is_known(2) ? "value" : "all facts";
      if (is_known(2)) return "attribute and value";
      return stage.low.value.kind == Operand::Kind::blank && stage.high.value.kind == Operand::Kind::blank
                 ? "attribute"
                 : "range of values";
    case Stage::Kind::same:
    case Stage::Kind::test:
      return "test";
    case Stage::Kind::function:
      return "function";
    case Stage::Kind::negation:
      return "not";
    default:
      break;
  }
  const Predicate& callee = program_[stage.item->callee];
  return callee.input >= 0 ? "input" : callee.rule != nullptr ? "rule" : "or";
}

Status Engine::put(const Stage& stage, const Atom* row, const Atom* fresh, Rows& out) {
  Atom* to = nullptr;
  GRID_TRY(out.append(to));
  for (const Column column : stage.keep) *to++ = row[column];
  for (Column i = 0; i < stage.fresh; ++i) *to++ = fresh[i];
  return Status::ok;
}

// Takes `atom` for the operand; false where something else stands there.
bool Engine::settle(const Operand& operand, const Atom* row, Atom atom, Atom* fresh) const {
  switch (operand.kind) {
    case Operand::Kind::blank:
      return true;
    case Operand::Kind::fresh:
      fresh[operand.column] = atom;
      return true;
    case Operand::Kind::repeat:
      return fresh[operand.column] == atom;
    default:
      return value_of(operand, row) == atom;
  }
}

bool Engine::matches(const Stage& stage, const Atom* row, const Fact& fact, Atom* fresh) const {
  return settle(stage.operands[0], row, fact.entity, fresh) &&
         (stage.is_attribute_known || settle(stage.operands[1], row, index_.attribute(fact.attribute()).name, fresh)) &&
         settle(stage.operands[2], row, fact.value, fresh);
}

Status Engine::run_pattern(Stage& stage, const Rows& in, Rows& out) {
  if (stage.is_attribute_known && stage.attribute == kNoAttribute && stage.kind == Stage::Kind::pattern)
    return Status::ok;
  std::size_t by = 0;
  if (stage.kind == Stage::Kind::pattern && pays_to_hash(stage, in, by)) return run_hashed(stage, by, in, out);
  for (std::uint32_t i = 0; i < in.count(); ++i) GRID_TRY(match_row(stage, in[i], out));
  return Status::ok;
}

// False where no fact can be meant.
bool Engine::wants(const Stage& stage, const Atom* row, Wanted& wanted) const {
  const auto is_known = [](const Operand& operand) {
    return operand.kind == Operand::Kind::constant || operand.kind == Operand::Kind::column;
  };
  if (is_known(stage.operands[0])) wanted.entity = value_of(stage.operands[0], row);
  if (is_known(stage.operands[2])) wanted.value = value_of(stage.operands[2], row);
  if (is_known(stage.operands[1])) {
    wanted.attribute =
        stage.is_attribute_known ? stage.attribute : index_.attribute_named(value_of(stage.operands[1], row));
    if (wanted.attribute == kNoAttribute) return false;
  }
  if (stage.low.value.kind != Operand::Kind::blank) {
    wanted.low = value_of(stage.low.value, row);
    wanted.has_low_itself = stage.low.is_inclusive;
  }
  if (stage.high.value.kind != Operand::Kind::blank) {
    wanted.high = value_of(stage.high.value, row);
    wanted.has_high_itself = stage.high.is_inclusive;
  }
  return true;
}

// Where nothing of a fact is taken over, one is enough.
Status Engine::match_row(const Stage& stage, const Atom* row, Rows& out) {
  const bool is_absence = stage.kind == Stage::Kind::absence;
  GRID_TRY(meter_.step());
  Wanted wanted;
  if (wants(stage, row, wanted)) {
    Scan scan(index_, words_, wanted);
    for (Fact fact; scan.next(fact);) {
      GRID_TRY(meter_.step());
      Atom fresh[3];
      if (!matches(stage, row, fact, fresh)) continue;
      if (is_absence) return Status::ok;
      GRID_TRY(put(stage, row, fresh, out));
      if (stage.fresh == 0) return Status::ok;
    }
  }
  return is_absence ? put(stage, row, nullptr, out) : Status::ok;
}

// For many rows and few facts one goes through the facts, and finds the rows by what they have in common.
bool Engine::pays_to_hash(const Stage& stage, const Rows& in, std::size_t& by) const {
  if (!stage.is_attribute_known || in.count() < kFewRows) return false;
  if (index_.attribute(stage.attribute).facts > kSeekInFacts * in.count()) return false;
  by = stage.operands[0].kind == Operand::Kind::column ? 0 : 2;
  return stage.operands[by].kind == Operand::Kind::column && stage.operands[0].kind != Operand::Kind::constant;
}

Status Engine::run_hashed(Stage& stage, std::size_t by, const Rows& in, Rows& out) {
  stage.has_hashed = true;
  const Column columns[] = {stage.operands[by].column};
  RowIndex rows(region_, columns);
  GRID_TRY(rows.catch_up(in));
  Growing<std::uint8_t> is_out(region_);
  if (stage.fresh == 0) GRID_TRY(is_out.resize(in.count()));
  Wanted wanted;
  wanted.attribute = stage.attribute;
  if (stage.operands[2].kind == Operand::Kind::constant) wanted.value = stage.operands[2].atom;
  Scan scan(index_, words_, wanted);
  GRID_TRY(meter_.step(in.count()));
  for (Fact fact; scan.next(fact);) {
    GRID_TRY(meter_.step());
    const Atom key[] = {by == 0 ? fact.entity : fact.value};
    for (std::uint32_t row = rows.first(in, key); row != kNoRow; row = rows.next(in, key, row)) {
      Atom fresh[3];
      GRID_TRY(meter_.step());
      if (!matches(stage, in[row], fact, fresh)) continue;
      if (stage.fresh == 0 && is_out[row]++ != 0) {
        is_out[row] = 1;
        continue;
      }
      GRID_TRY(put(stage, in[row], fresh, out));
    }
  }
  return Status::ok;
}

Status Engine::run_same(const Stage& stage, const Rows& in, Rows& out) {
  for (std::uint32_t i = 0; i < in.count(); ++i) {
    if (value_of(stage.operands[0], in[i]) == value_of(stage.operands[1], in[i])) GRID_TRY(out.push(in[i]));
  }
  return Status::ok;
}

Status Engine::run_test(const Stage& stage, const Rows& in, Rows& out) {
  Atom arguments[kArgumentsMax];
  const std::size_t count = stage.operands.size();
  for (std::uint32_t i = 0; i < in.count(); ++i) {
    GRID_TRY(meter_.step());
    for (std::size_t j = 0; j < count; ++j) arguments[j] = value_of(stage.operands[j], in[i]);
    const Result<Atom> answer = functions_.call(stage.item->call, {arguments, count});
    if (!answer.ok()) return answer.status();
    if (Functions::is_true(*answer)) GRID_TRY(put(stage, in[i], nullptr, out));
  }
  return Status::ok;
}

Status Engine::run_function(const Stage& stage, const Rows& in, Rows& out) {
  Atom arguments[kArgumentsMax];
  const std::size_t count = stage.operands.size();
  for (std::uint32_t i = 0; i < in.count(); ++i) {
    GRID_TRY(meter_.step());
    for (std::size_t j = 0; j < count; ++j) arguments[j] = value_of(stage.operands[j], in[i]);
    const Result<Atom> answer = functions_.call(stage.item->call, {arguments, count});
    if (!answer.ok()) return answer.status();
    if (*answer != kNil) GRID_TRY(bind(stage, in[i], *answer, out));
  }
  return Status::ok;
}

Status Engine::bind(const Stage& stage, const Atom* row, Atom answer, Rows& out) {
  if (stage.binding.size() > 1) return bind_parts(stage, row, answer, out);
  Atom fresh[1];
  return settle(stage.binding[0], row, answer, fresh) ? put(stage, row, fresh, out) : Status::ok;
}

}  // namespace grid::datalog
