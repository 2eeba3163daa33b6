// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/index.h"

namespace grid::datalog {
namespace {

// Finds, and never adds.
class Finder final : public Interner {
 public:
  explicit Finder(const Symbols& symbols) : symbols_(symbols) {}

  Result<std::uint32_t> intern(Bytes content) override {
    const std::uint32_t symbol = symbols_.find(content);
    if (symbol == kNoSymbol) return Status::not_found;
    return symbol;
  }

 private:
  const Symbols& symbols_;
};

bool is_object(const Value& object) {
  const ValueKind kind = object.kind();
  return kind >= ValueKind::boolean && kind <= ValueKind::ref;
}

std::uint32_t flags_of(const Value& object, bool is_one) {
  return (is_one ? Fact::kOne : 0) | (object.kind() == ValueKind::ref ? Fact::kRef : 0);
}

bool is_of_entity(const Fact& fact, const Fact& beside) { return fact.entity == beside.entity; }

bool is_of_cell(const Fact& fact, const Fact& beside) {
  return is_of_entity(fact, beside) && fact.attribute() == beside.attribute();
}

bool has_value(const Fact& fact, const Fact& beside) {
  return beside.entity.exists() && fact.attribute() == beside.attribute() && fact.value == beside.value;
}

}  // namespace

std::uint32_t Index::attribute_named(Atom name) const {
  if (name.kind() != AtomKind::text || name.symbol() >= kNoSymbol / 2) return kNoAttribute;
  const std::uint32_t note = symbols_.note(name.symbol());
  return note == 0 ? kNoAttribute : note - 1;
}

Status Index::add(std::string_view key, std::string_view predicate, const Value& object, bool is_one) {
  if (!is_object(object)) return Status::invalid;
  const Result<Fact> fact = fact_of(key, predicate, object, is_one);
  if (!fact.ok()) return fact.status();
  bool is_beside_others = false;
  const Status status = put(*fact, is_beside_others);
  if (status != Status::ok) forget_unheld(*fact);
  if (status == Status::conflict) return Status::ok;
  if (status == Status::ok && is_one && is_beside_others) cut_single(*fact, true);
  return status;
}

Status Index::add_once(std::string_view key, std::string_view predicate, const Value& object, bool is_one) {
  if (!is_object(object)) return Status::invalid;
  const Result<Fact> fact = fact_of(key, predicate, object, is_one);
  bool is_beside_others = false;
  const Status status = fact.ok() ? put(*fact, is_beside_others) : fact.status();
  return status == Status::conflict ? Status::ok : status;
}

Status Index::remove(std::string_view key, std::string_view predicate, const Value& object, bool is_one) {
  const Result<Fact> fact = find_fact(key, predicate, is_one ? Value() : object, is_one);
  if (fact.status() == Status::not_found) return Status::ok;
  if (!fact.ok()) return fact.status();
  if (is_one) cut_single(*fact, false);
  if (!is_one) cut(*fact);
  return Status::ok;
}

Status Index::drop(std::string_view key) {
  Finder finder(symbols_);
  const Result<Atom> entity = entity_of_key(key, finder);
  if (entity.status() == Status::not_found) return Status::ok;
  if (!entity.ok()) return entity.status();
  for (;;) {
    const FactCursor cursor = from_entity(*entity, 0, {});
    if (cursor.is_at_end() || cursor.entity() != *entity) return Status::ok;
    cut(cursor.fact());
  }
}

Result<Fact> Index::fact_of(std::string_view key, std::string_view predicate, const Value& object, bool is_one) {
  Fact fact;
  const Result<Atom> entity = entity_of_key(key, symbols_);
  if (!entity.ok()) return entity.status();
  fact.entity = *entity;
  const Result<Atom> value = atom_of_value(object, symbols_, region_);
  const Result<std::uint32_t> attribute =
      value.ok() ? number_of_attribute(predicate) : Result<std::uint32_t>(value.status());
  if (attribute.ok()) {
    fact.value = *value;
    fact.label = (*attribute << 2) | flags_of(object, is_one);
    return fact;
  }
  forget_unheld(fact.entity);
  if (value.ok() && *value != fact.entity) forget_unheld(*value);
  return attribute.status();
}

Result<Fact> Index::find_fact(std::string_view key, std::string_view predicate, const Value& object,
                              bool is_one) const {
  Finder finder(symbols_);
  const Result<Atom> entity = entity_of_key(key, finder);
  if (!entity.ok()) return entity.status();
  const Result<Atom> name = atom_of_text(predicate, finder);
  if (!name.ok()) return name.status();
  const Result<Atom> value = atom_of_value(object, finder, region_);
  if (!value.ok()) return value.status();
  const std::uint32_t attribute = attribute_named(*name);
  if (attribute == kNoAttribute) return Status::not_found;
  return Fact{*entity, *value, (attribute << 2) | flags_of(object, is_one)};
}

// An attribute holds its name, and goes with its last fact.
Result<std::uint32_t> Index::number_of_attribute(std::string_view predicate) {
  const Result<Atom> name = atom_of_text(predicate, symbols_);
  if (!name.ok()) return name.status();
  if (const std::uint32_t number = attribute_named(*name); number != kNoAttribute) return number;
  std::uint32_t number = free_attribute_;
  if (number == kNoAttribute) {
    number = attribute_count();
    const Status status = number < (1u << 30) - 1 ? attributes_.push({}) : Status::full;
    if (status != Status::ok) {
      forget_unheld(*name);
      return status;
    }
  } else {
    free_attribute_ = attributes_[number].next_free;
  }
  attributes_[number] = {};
  attributes_[number].name = *name;
  symbols_.hold(name->symbol());
  symbols_.set_note(name->symbol(), number + 1);
  return number;
}

Status Index::put(const Fact& fact, bool& is_beside_others) {
  FactsBeside in_entity;
  GRID_TRY(by_entity_.insert(fact, in_entity));
  FactsBeside in_value;
  if (const Status status = by_value_.insert(fact, in_value); status != Status::ok) {
    GRID_CHECK(by_entity_.erase(fact, in_entity) == Status::ok);
    return status;
  }
  hold(fact);
  Attribute& attribute = attributes_[fact.attribute()];
  ++attribute.facts;
  if (fact.is_ref()) ++attribute.refs;
  if (fact.is_one()) ++attribute.singles;
  is_beside_others = is_of_cell(fact, in_entity.before) || is_of_cell(fact, in_entity.behind);
  if (!is_beside_others) ++attribute.entities;
  if (!has_value(fact, in_value.before) && !has_value(fact, in_value.behind)) ++attribute.values;
  if (!is_of_entity(fact, in_entity.before) && !is_of_entity(fact, in_entity.behind)) ++entities_;
  return Status::ok;
}

// Nothing of a fact that isn't there.
void Index::cut(Fact fact) {
  FactsBeside in_entity;
  if (by_entity_.erase(fact, in_entity) != Status::ok) return;
  FactsBeside in_value;
  GRID_CHECK(by_value_.erase(fact, in_value) == Status::ok);
  Attribute& attribute = attributes_[fact.attribute()];
  --attribute.facts;
  if (fact.is_ref()) --attribute.refs;
  if (fact.is_one()) --attribute.singles;
  if (!is_of_cell(fact, in_entity.before) && !is_of_cell(fact, in_entity.behind)) --attribute.entities;
  if (!has_value(fact, in_value.before) && !has_value(fact, in_value.behind)) --attribute.values;
  if (!is_of_entity(fact, in_entity.before) && !is_of_entity(fact, in_entity.behind)) --entities_;
  release(fact);
}

// The facts of that one-valued cell, but for `fact` where it is to be spared.
void Index::cut_single(const Fact& fact, bool spare_equal) {
  FactCursor cursor = from_entity(fact.entity, fact.attribute(), {});
  while (!cursor.is_at_end() && is_of_cell(fact, cursor.fact())) {
    const Fact standing = cursor.fact();
    const bool is_same = standing.value == fact.value && standing.label == fact.label;
    if (!standing.is_one() || (spare_equal && is_same)) {
      cursor.next();
      continue;
    }
    cut(standing);
    if (!spare_equal) break;
    cursor = from_entity(fact.entity, fact.attribute(), {});
  }
}

void Index::hold(const Fact& fact) {
  if (fact.entity.is_symbol()) symbols_.hold(fact.entity.symbol());
  if (fact.value.is_symbol()) symbols_.hold(fact.value.symbol());
}

void Index::release(const Fact& fact) {
  if (fact.entity.is_symbol()) symbols_.release(fact.entity.symbol());
  if (fact.value.is_symbol()) symbols_.release(fact.value.symbol());
  forget_unheld(Fact{{}, {}, fact.label});
}

// What fact_of() made, and nothing holds.
void Index::forget_unheld(const Fact& fact) {
  Attribute& attribute = attributes_[fact.attribute()];
  if (attribute.facts == 0 && attribute.name.exists()) {
    symbols_.set_note(attribute.name.symbol(), 0);
    symbols_.release(attribute.name.symbol());
    attribute = {};
    attribute.next_free = free_attribute_;
    free_attribute_ = fact.attribute();
  }
  if (fact.entity.exists()) forget_unheld(fact.entity);
  if (fact.value.exists() && fact.value != fact.entity) forget_unheld(fact.value);
}

Status Index::load(std::string_view key, std::string_view predicate, const Value& object, bool is_one) {
  if (!is_object(object)) return Status::invalid;
  const Result<Fact> fact = fact_of(key, predicate, object, is_one);
  if (!fact.ok()) return fact.status();
  return loaded_.push(*fact);
}

Status Index::finish_load() {
  GRID_CHECK(size() == 0);
  const auto sort_by = [this](auto order) {
    std::sort(loaded_.begin(), loaded_.end(), [order](const Fact& a, const Fact& b) { return order(a, b) < 0; });
  };
  sort_by(EntityOrder{});
  const auto* const end = std::unique(loaded_.begin(), loaded_.end(),
                                      [](const Fact& a, const Fact& b) { return EntityOrder{}(a, b) == 0; });
  loaded_.truncate(static_cast<std::size_t>(end - loaded_.begin()));
  GRID_TRY(by_entity_.build({loaded_.data(), loaded_.size()}));
  for (std::size_t i = 0; i < loaded_.size(); ++i) {
    const Fact& fact = loaded_[i];
    const Fact before = i > 0 ? loaded_[i - 1] : Fact{};
    hold(fact);
    Attribute& attribute = attributes_[fact.attribute()];
    ++attribute.facts;
    if (fact.is_ref()) ++attribute.refs;
    if (fact.is_one()) ++attribute.singles;
    if (!is_of_cell(fact, before)) ++attribute.entities;
    if (!is_of_entity(fact, before)) ++entities_;
  }
  sort_by(ValueOrder{&symbols_});
  GRID_TRY(by_value_.build({loaded_.data(), loaded_.size()}));
  for (std::size_t i = 0; i < loaded_.size(); ++i) {
    if (i == 0 || !has_value(loaded_[i], loaded_[i - 1])) ++attributes_[loaded_[i].attribute()].values;
  }
  loaded_.forget();
  return Status::ok;
}

FactsOf::FactsOf(const Index& index, std::string_view key) : index_(index) {
  Finder finder(index.symbols());
  const Result<Atom> entity = entity_of_key(key, finder);
  if (!entity.ok()) return;
  entity_ = *entity;
  cursor_ = index.from_entity(entity_, 0, {});
}

bool FactsOf::next() {
  if (cursor_.is_at_end() || cursor_.entity() != entity_) return false;
  fact_ = cursor_.fact();
  cursor_.next();
  return true;
}

std::string_view FactsOf::predicate() const {
  return text_of(index_.attribute(fact_.attribute()).name, index_.symbols());
}

Result<Value> FactsOf::object(MutBytes room) const {
  crdt::ValueWriter writer(room);
  if (fact_.is_ref()) {
    char key[kKeyBytesMax + 2];
    writer.ref(key_of_entity(fact_.value, index_.symbols(), key));
  } else {
    write_atom(fact_.value, index_.symbols(), writer);
  }
  const Result<Bytes> written = writer.finish();
  if (!written.ok()) return written.status();
  return Value(*written);
}

}  // namespace grid::datalog
