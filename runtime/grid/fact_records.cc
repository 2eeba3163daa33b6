// SPDX-License-Identifier: Apache-2.0
//
// Entities as records: one read as a document, and one made of a record's fields.

#include "runtime/edits.h"
#include "runtime/grid/facts.h"

namespace grid {

using Verb = FactWrite::Verb;

namespace {

constexpr std::string_view kId = "db/id";  // What a nested record is of.

}  // namespace

// An entity on its way into a record, with those around it.
class Document {
 public:
  Document(const Facts& facts, MutBytes room, std::size_t depth)
      : facts_(facts), writer_(room), depth_(depth < kLevelsMax ? depth : kLevelsMax - 1) {}

  Result<Value> write(std::string_view entity) {
    if (!is_known(entity)) return Status::not_found;
    GRID_TRY(enter(entity));
    while (open_ > 0) GRID_TRY(write_next());
    const Result<Bytes> written = writer_.finish();
    if (written.ok()) return Value(*written);
    return written.status() == Status::full ? Status::too_large : written.status();
  }

 private:
  static constexpr std::size_t kLevelsMax = kValueDepthMax;

  struct Level {
    std::string_view entity() const { return {key, key_size}; }

    char key[kKeyBytesMax];
    std::size_t key_size = 0;
    Facts::Place at{std::string_view{}};
    char predicate[crdt::kPredicateBytesMax];  // Whose list is open.
    std::size_t predicate_size = 0;            // 0: none is.
  };

  bool is_known(std::string_view entity) const {
    Facts::Place at({});
    return facts_.next(entity, {}, at).ok();
  }

  bool is_around(std::string_view entity) const {
    for (std::size_t i = 0; i < open_; ++i) {
      if (levels_[i].entity() == entity) return true;
    }
    return false;
  }

  Status enter(std::string_view entity) {
    Level& level = levels_[open_++];
    level.key_size = entity.copy(level.key, sizeof(level.key));
    level.at = Facts::Place({});
    level.predicate_size = 0;
    writer_.begin_record();
    if (open_ == 1) return Status::ok;
    std::uint8_t room[kKeyBytesMax + 4];
    const Result<Value> id = crdt::id_of_key(level.entity(), room);
    if (!id.ok()) return id.status();
    writer_.field(kId);
    writer_.copy_of(*id);
    return Status::ok;
  }

  void close_list(Level& level) {
    if (level.predicate_size > 0) writer_.end_list();
    level.predicate_size = 0;
  }

  Status write_next() {
    Level& level = levels_[open_ - 1];
    const Facts::Place before = level.at;
    Result<Fact> fact = facts_.next(level.entity(), {}, level.at);
    if (!fact.ok()) {
      if (fact.status() != Status::not_found) return fact.status();
      close_list(level);
      writer_.end_record();
      --open_;
      return Status::ok;
    }
    const bool is_shadowed = open_ > 1 && fact->predicate == kId;
    if (is_shadowed) return Status::ok;
    const bool goes_on =
        level.predicate_size > 0 && fact->predicate == std::string_view(level.predicate, level.predicate_size);
    if (!goes_on) {
      close_list(level);
      GRID_TRY(begin_field(level, *fact));
      Facts::Place again = before;
      fact = facts_.next(level.entity(), {}, again);
      if (!fact.ok()) return fact.status();
    }
    return write_object(fact->object);
  }

  // Of several objects, or one of many, a list. What `fact` refers to goes with the look ahead.
  Status begin_field(Level& level, const Fact& fact) {
    writer_.field(fact.predicate);
    bool is_list = fact.is_many;
    const std::size_t size = fact.predicate.copy(level.predicate, sizeof(level.predicate));
    Facts::Place ahead = level.at;
    const Result<Fact> second = facts_.next(level.entity(), {}, ahead);
    if (!second.ok() && second.status() != Status::not_found) return second.status();
    is_list = is_list || (second.ok() && second->predicate == std::string_view(level.predicate, size));
    level.predicate_size = is_list ? size : 0;
    if (is_list) writer_.begin_list();
    return Status::ok;
  }

  Status write_object(const Value& object) {
    const bool may_nest = object.kind() == ValueKind::ref && open_ <= depth_;
    if (!may_nest) {
      writer_.copy_of(object);
      return Status::ok;
    }
    // The object's bytes go with the next read.
    char key[kKeyBytesMax];
    const std::string_view target(key, object.text_or({}).copy(key, sizeof(key)));
    if (!is_around(target) && is_known(target)) return enter(target);
    writer_.ref(target);
    return Status::ok;
  }

  const Facts& facts_;
  ValueWriter writer_;
  std::size_t depth_;
  std::size_t open_ = 0;
  Level levels_[kLevelsMax];
};

// What has to change for an entity to be what a record says.
class RecordWrites {
 public:
  RecordWrites(const Facts& facts, Driver& driver, std::string_view entity, MutBytes room)
      : facts_(facts), driver_(driver), entity_(entity), rest_(room) {}

  Status make(const Value& record) {
    if (record.kind() != ValueKind::record) return refuse("an entity is put as a record");
    for (Value::Walk field(record); field.next();) GRID_TRY(change(field.name(), field.value()));
    return Status::ok;
  }
  std::span<const FactWrite> all() const { return {writes_, count_}; }

 private:
  Status refuse(std::string_view why) {
    driver_.complain(why);
    return Status::invalid;
  }

  static bool is_among(const Value& objects, Bytes object) {
    for (Value::Walk item(objects); item.next();) {
      std::uint8_t room[16];
      const Result<Bytes> wanted = crdt::object_of(item.value(), true, room);
      if (wanted.ok() && equal(*wanted, object)) return true;
    }
    return false;
  }

  // Of a list each item that does not stand is added, what is not in it goes; anything else is the one object.
  Status change(std::string_view predicate, const Value& value) {
    if (value.kind() == ValueKind::record) {
      return refuse("a record in a record is an entity of its own: put that one, and refer to it");
    }
    const bool is_many = value.kind() == ValueKind::list;
    const bool is_gone = value.kind() == ValueKind::null;
    bool stands = false;
    Status status = Status::ok;
    const Status read = facts_.each_of(entity_, predicate, [&](const Fact& fact) {
      const Bytes object = fact.object.canonical();
      const bool is_it = !is_gone && !is_many && !fact.is_many;
      const bool stays = fact.is_many ? is_many && is_among(value, object) : is_it;
      if (is_it) stands = equal(object, value.canonical());
      if (!stays && status == Status::ok) status = push(Verb::remove, predicate, keep(object));
    });
    GRID_TRY(read);
    GRID_TRY(status);
    if (is_gone || stands) return Status::ok;
    return is_many ? add_each(predicate, value) : push(Verb::set, predicate, value.canonical());
  }

  Status add_each(std::string_view predicate, const Value& list) {
    for (Value::Walk item(list); item.next();) {
      if (!facts_.has(entity_, predicate, Scalar(item.value())) && !is_added(predicate, item.value())) {
        GRID_TRY(push(Verb::add, predicate, item.value().canonical()));
      }
    }
    return Status::ok;
  }

  // An item that comes twice is there once.
  bool is_added(std::string_view predicate, const Value& item) const {
    std::uint8_t room[16], other[16];
    const Result<Bytes> object = crdt::object_of(item, true, room);
    for (std::size_t i = 0; object.ok() && i < count_; ++i) {
      const FactWrite& one = writes_[i];
      const Result<Bytes> before = crdt::object_of(Value(one.object), true, other);
      if (one.verb == Verb::add && one.predicate == predicate && equal(*before, *object)) return true;
    }
    return false;
  }

  // The store's view of it ends with the next look. Empty: there is no room.
  Bytes keep(Bytes object) {
    if (object.size() > rest_.size()) return {};
    const Bytes kept = rest_.first(object.size());
    rest_ = copy(object, rest_);
    return kept;
  }

  Status push(Verb verb, std::string_view predicate, Bytes object) {
    if (count_ < runtime::kFactWritesMax && !object.empty()) {
      writes_[count_++] = {entity_, verb, predicate, object, 0};
      return Status::ok;
    }
    driver_.complain("the record changes more of the entity than one transaction holds");
    return Status::too_large;
  }

  const Facts& facts_;
  Driver& driver_;
  std::string_view entity_;
  MutBytes rest_;
  std::size_t count_ = 0;
  FactWrite writes_[runtime::kFactWritesMax];
};

Result<Value> Facts::record(std::string_view entity, MutBytes room, std::size_t depth) const {
  return Document(*this, room, depth).write(entity);
}

Write Facts::put_record(std::string_view entity, const Value& record) {
  // What is looked at on the way is encoded in the front of the scratch.
  std::uint8_t room[4'096];
  RecordWrites writes(*this, *driver_, entity, room);
  const Status made = writes.make(record);
  if (made != Status::ok) return {driver_, made, 0};
  if (writes.all().empty()) return {driver_, Status::ok, 0};
  return write(writes.all());
}

Write Facts::put_record(std::string_view entity, std::initializer_list<Field> record) {
  std::uint8_t room[4'096];
  ValueWriter writer(room);
  writer.begin_record();
  for (const Field& field : record) {
    writer.field(field.name);
    field.value.write(writer);
  }
  writer.end_record();
  const Result<Bytes> bytes = writer.finish();
  if (bytes.ok()) return put_record(entity, Value(*bytes));
  driver_->complain("the record is larger than 4096 bytes, names a field twice, or has text that is not UTF-8");
  return {driver_, bytes.status() == Status::full ? Status::too_large : bytes.status(), 0};
}

}  // namespace grid
