// SPDX-License-Identifier: Apache-2.0

#include "runtime/pulls.h"

#include <cstring>

#include "runtime/facts.h"

namespace grid::runtime {

namespace {

constexpr std::uint8_t kYes[] = {1};

// A prefix and the scope's hash in hex.
struct ScopeFact {
  ScopeFact(std::string_view prefix, const Scope& scope) : size(prefix.size() + 16) {
    copy(as_bytes(prefix), {reinterpret_cast<std::uint8_t*>(name), sizeof(name)});
    const std::uint64_t hash = scope.hash();
    for (std::size_t i = 0; i < 16; ++i) name[prefix.size() + i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15];
  }
  std::string_view view() const { return {name, size}; }

  char name[facts::kCursor.size() + 16];
  std::size_t size;
};
static_assert(facts::kHeal.size() <= facts::kCursor.size());
static_assert(Cursor::kBytesMax <= facts::kBytesMax);

struct FactName {
  std::string_view view() const { return {bytes, size}; }
  char bytes[sizeof(ScopeFact::name)];
  std::size_t size = 0;
};

// Goes on to the cursor behind `name`.
//   not_found  There is none.
//   corrupt    Its name is none that was ever written.
Status next_cursor(storage::Store& store, FactName& name) {
  const auto fact = store.next_fact(facts::kCursor, name.view());
  if (!fact.ok()) return fact.status();
  if (fact->name.size() > sizeof(name.bytes)) return Status::corrupt;
  name.size = fact->name.size();
  std::memcpy(name.bytes, fact->name.data(), name.size);
  return Status::ok;
}

}  // namespace

Status Pulls::open() {
  const Result<Bytes> seen = log_.store().fact(facts::kSeen);
  if (seen.ok()) seen_.set(*seen);
  return seen.ok() || seen.status() == Status::not_found ? Status::ok : seen.status();
}

Result<Pull*> Pulls::add(const Scope& scope) {
  for (Pull& pull : pulls_) {
    if (pull.scope.get() == scope && !pull.unsubscribe_due) return ++pull.users, &pull;
  }
  Pull pull{.id = next_id_++, .users = 1, .subscribe_due = true};
  if (wants_checks_) pull.check = Pull::Check::wanted;
  pull.scope.set(scope);
  const Status loaded = load(pull);
  if (loaded != Status::ok) return loaded;
  const Status pushed = pulls_.push(pull);
  if (pushed != Status::ok) return pushed;
  return &pulls_[pulls_.size() - 1];
}

Status Pulls::load(Pull& pull) {
  pull.unhealed = log_.store().fact(ScopeFact(facts::kHeal, pull.scope.get()).view()).ok();
  const Result<Bytes> cursor = log_.store().fact(ScopeFact(facts::kCursor, pull.scope.get()).view());
  if (cursor.ok()) pull.cursor.set(*cursor);
  return cursor.ok() || cursor.status() == Status::not_found ? Status::ok : cursor.status();
}

void Pulls::release(std::uint32_t id) {
  Pull* pull = find(id);
  if (pull == nullptr || pull->users == 0 || --pull->users > 0) return;
  pull->unsubscribe_due = true;
}

void Pulls::forget(std::uint32_t id) {
  for (std::size_t i = 0; i < pulls_.size(); ++i) {
    if (pulls_[i].id == id) return pulls_.remove_at(i);
  }
}

Pull* Pulls::find(std::uint32_t id) {
  for (Pull& pull : pulls_) {
    if (pull.id == id) return &pull;
  }
  return nullptr;
}

Status Pulls::save_cursor(Pull& pull, Bytes cursor) {
  // What it covers may have been let go of already.
  if (pull.unsubscribe_due || equal(cursor, pull.cursor.view())) return Status::ok;
  if (log_.pending_count() > 0 && log_.store().settled() < pull.stale_through) return Status::ok;
  pull.cursor.set(cursor);
  pull.ack_open = true;
  log_.touch();
  return log_.store().set_fact(ScopeFact(facts::kCursor, pull.scope.get()).view(), pull.cursor.view());
}

Status Pulls::drop_cursors() {
  log_.touch();
  FactName name;
  Status status = next_cursor(log_.store(), name);
  for (; status == Status::ok; status = next_cursor(log_.store(), name)) {
    GRID_TRY(log_.store().set_fact(name.view(), {}));
  }
  for (Pull& pull : pulls_) pull.cursor = {};
  return status == Status::not_found ? Status::ok : status;
}

bool Pulls::has_pull_of(std::string_view fact) const {
  for (const Pull& pull : pulls_) {
    if (!pull.unsubscribe_due && ScopeFact(facts::kCursor, pull.scope.get()).view() == fact) return true;
  }
  return false;
}

bool Pulls::want(const crdt::Cell& cell) const {
  for (const Pull& pull : pulls_) {
    const Scope scope = pull.scope.get();
    const bool has = scope.matches(cell.name) && (scope.rows == nullptr || scope.rows->accepts(cell));
    if (has && !pull.unsubscribe_due) return true;
  }
  return false;
}

Status Pulls::drop_idle_cursors() {
  FactName name;
  Status status = next_cursor(log_.store(), name);
  for (; status == Status::ok; status = next_cursor(log_.store(), name)) {
    if (has_pull_of(name.view())) continue;
    log_.touch();
    GRID_TRY(log_.store().set_fact(name.view(), {}));
  }
  return status == Status::not_found ? Status::ok : status;
}

Status Pulls::doubt_others(std::uint32_t id, const crdt::CellName& row) {
  for (Pull& pull : pulls_) {
    const bool is_known = pull.phase == Pull::Phase::streaming || pull.phase == Pull::Phase::comparing;
    if (pull.id != id && !is_known && pull.scope.get().matches(row)) pull.in_doubt = true;
  }
  return drop_idle_cursors();
}

// Within one epoch, the first 8 bytes, cursors compare as bytes; those of a new epoch are newer.
Status Pulls::note_seen(Bytes cursor) {
  constexpr std::size_t kEpochBytes = 8;
  const Bytes seen = seen_.view();
  const bool same_epoch = cursor.size() == seen.size() && seen.size() > kEpochBytes &&
                          equal(cursor.first(kEpochBytes), seen.first(kEpochBytes));
  if (same_epoch && compare(cursor, seen) <= 0) return Status::ok;
  log_.touch();
  GRID_TRY(log_.store().set_fact(facts::kSeen, cursor));
  seen_.set(cursor);
  return Status::ok;
}

Status Pulls::note_loss() {
  for (Pull& pull : pulls_) GRID_TRY(set_unhealed(pull, true));
  if (log_.store().fact(facts::kLost).ok()) return Status::ok;
  log_.touch();
  return log_.store().set_fact(facts::kLost, kYes);
}

bool Pulls::unhealed(const Pull& pull) {
  return pull.unhealed || (pull.cursor.size == 0 && log_.store().fact(facts::kLost).ok());
}

Status Pulls::set_unhealed(Pull& pull, bool unhealed) {
  if (pull.unhealed == unhealed) return Status::ok;
  log_.touch();
  GRID_TRY(log_.store().set_fact(ScopeFact(facts::kHeal, pull.scope.get()).view(), unhealed ? Bytes(kYes) : Bytes{}));
  pull.unhealed = unhealed;
  return Status::ok;
}

void Pulls::link_up() {
  for (Pull& pull : pulls_) {
    pull.phase = Pull::Phase::idle;
    pull.subscribe_due = true;
    pull.compare_due = pull.answer_due = pull.partial = false;
    pull.current = false;
    pull.ack_due = false;
  }
}

void Pulls::link_down() {
  for (std::size_t i = pulls_.size(); i-- > 0;) {
    Pull& pull = pulls_[i];
    if (pull.unsubscribe_due) {
      pulls_.remove_at(i);
      continue;
    }
    pull.phase = Pull::Phase::idle;
    pull.current = false;
    pull.compare_due = pull.answer_due = false;
    if (pull.check == Pull::Check::asked) pull.check = Pull::Check::wanted;
  }
}

void Pulls::sealed() {
  for (Pull& pull : pulls_) {
    pull.ack_sealed = pull.ack_open;
    pull.ack_open = false;
  }
}

void Pulls::durable() {
  for (Pull& pull : pulls_) {
    pull.ack_due = pull.ack_due || pull.ack_sealed;
    pull.ack_sealed = false;
  }
}

bool Pulls::all_current() const {
  for (const Pull& pull : pulls_) {
    if (!pull.current && !pull.unsubscribe_due) return false;
  }
  return true;
}

void Pulls::want_checks() {
  wants_checks_ = true;
  for (Pull& pull : pulls_) {
    pull.check = Pull::Check::wanted;
    pull.compared = 0;
  }
}

bool Pulls::all_checked() const {
  for (const Pull& pull : pulls_) {
    if (pull.check != Pull::Check::equal && !pull.unsubscribe_due) return false;
  }
  return true;
}

}  // namespace grid::runtime
