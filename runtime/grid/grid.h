// SPDX-License-Identifier: Apache-2.0
//
// The embedding API of Grid, the same on every machine. A port's header beside it (grid/linux.h) brings the host.
//
// Place     Top of libgrid: what applications include.
// Promises  One thread, the caller's. No call blocks but those of the host that say so. Errors are a Status, and
//           host.problem() is the last one as a sentence.
// Ownership A Node belongs to its host, and Map, Write and Watch belong to you; none may outlive the host. What a read
//           hands out stands until the next call on the node or its host.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "crdt/base/status.h"
#include "crdt/value.h"
#include "crdt/view.h"
#include "runtime/call.h"
#include "runtime/grid/attendant.h"
#include "runtime/grid/channels.h"
#include "runtime/grid/fields.h"
#include "runtime/grid/query.h"
#include "runtime/replica_status.h"

namespace grid {

namespace storage {
class Store;
}
namespace runtime {
class LetterBox;  // runtime/letter_box.h
}

using crdt::Field;
using crdt::Scalar;
using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;
using runtime::Scope;
using runtime::ScopeKind;
using runtime::Version;

// One row as it stands now.
struct Change {
  std::string_view map;
  std::string_view key;
  Value now;           // Absent: the key was removed, expired, or taken back.
  crdt::Stamp stamp;   // Of the write; none when the row was taken back without a trace.
  bool local = false;  // Written on this replica.
  // Of a key that holds more than one value (views.h) this tells only that it has changed: `now` is absent.
  crdt::View view = crdt::View::lww_map;
  Version version{};  // For Map::put_if().
};

// A function with up to two captured words: no allocation, trivially copied.
template <typename News>
class CallbackOf {
 public:
  CallbackOf() = default;
  template <typename F, std::enable_if_t<std::is_invocable_v<F&, const News&>, int> = 0>
  CallbackOf(F function) : call_([](void* at, const News& news) { (*static_cast<F*>(at))(news); }) {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= sizeof(words_),
                  "capture at most two trivially copyable words: a pointer to your state, say");
    std::memcpy(words_, &function, sizeof(F));
  }
  void operator()(const News& news) { call_(words_, news); }
  explicit operator bool() const { return call_ != nullptr; }

 private:
  void (*call_)(void*, const News&) = nullptr;
  alignas(void*) unsigned char words_[2 * sizeof(void*)] = {};
};
using Callback = CallbackOf<Change>;

// What has become of one row of a live query (Map::live).
struct LiveChange {
  enum class Kind : std::uint8_t { enter, update, leave };
  Kind kind;
  std::string_view map;
  std::string_view key;
  Value old;          // As it was told last; absent when it enters.
  Value now;          // Absent when it leaves.
  crdt::Stamp stamp;  // Of `now`.
  bool local = false;
};

using LiveCallback = CallbackOf<LiveChange>;

struct SearchQuery;  // runtime/grid/search.h
struct Found;
using SearchCallback = CallbackOf<Found>;

struct DatalogQuestion;  // runtime/grid/datalog.h
struct DatalogVisitor;
struct DatalogAnswer;
struct DatalogChange;
using DatalogCallback = CallbackOf<DatalogChange>;

// What a host lends to a node: a way to make calls, and reads of the replica behind it.
class Driver {
 public:
  // Steps the replica with `call` and carries out what it asks for.
  virtual void perform(runtime::Call& call) = 0;
  // As perform(), for a watch: `callback` runs from the host's run functions, never from inside a call.
  virtual void watch(runtime::Call& call, Callback callback) = 0;
  virtual Result<Change> find(std::string_view map, std::string_view key) = 0;
  // The first live row of `scope` whose key is greater than `after_key` in `after_map`.
  virtual Result<Change> next(const Scope& scope, std::string_view after_map, std::string_view after_key) = 0;
  // The first live cell of any view whose name is greater than `after`.
  virtual Result<crdt::Op> next_cell(const crdt::CellName& after) = 0;
  virtual Outcome outcome_of(crdt::Seq seq) = 0;
  virtual runtime::ReplicaStatus replica_status() = 0;
  // Digest over the live, settled cells of the scope: equal to the server's when nothing differs.
  virtual crdt::Digest digest(const Scope& scope) = 0;
  // Calls `visit(at, row)` for each answer. A machine without a query engine says invalid.
  struct Visitor {
    void (*visit)(void* at, const Change& row);
    void* at;
  };
  virtual Page query(std::string_view, const Query&, const Visitor&) { return {}; }
  virtual Status declare_index(std::string_view, std::string_view, IndexKind) { return Status::invalid; }
  // A live query; `id` names it.
  virtual Status live(std::string_view, const Query&, LiveCallback, std::uint32_t&) { return Status::invalid; }
  virtual void end_live(std::uint32_t) {}
  // Where ops are kept that did not get through; null: this node keeps none.
  virtual runtime::LetterBox* letters() { return nullptr; }
  // The node's own store, for what is local to it; null: it is not to be had.
  virtual storage::Store* local_store() { return nullptr; }
  // Asks the server, until end_search(); `callback` runs as a watch's. A machine that can't says invalid.
  virtual Status search(const SearchQuery&, SearchCallback, std::uint32_t&) { return Status::invalid; }
  virtual void end_search(std::uint32_t) {}
  // Datalog over the facts of a map. A machine that can't says invalid.
  virtual Status ask(std::string_view, const DatalogQuestion&, const DatalogVisitor&, DatalogAnswer&) {
    return Status::invalid;
  }
  virtual Status live_datalog(std::string_view, const DatalogQuestion&, DatalogCallback, std::uint32_t&) {
    return Status::invalid;
  }
  // Pulls what a question's answer stands on.
  virtual Status subscribe_datalog(std::string_view, const DatalogQuestion&) { return Status::invalid; }
  // Memory in which a value is encoded before a call; its size is the largest value.
  virtual MutBytes scratch() = 0;
  // The trouble of a call that could not even be made, for problem().
  virtual void complain(std::string_view sentence) = 0;
  virtual const char* problem() const = 0;
  // The attendants have a turn the next time that the host runs, even if nothing else happens.
  virtual void want_turn() {}
  Attendants& attendants() { return attendants_; }

 protected:
  ~Driver() = default;

  Attendants attendants_;
};

// A local write: accepted or not, and later what became of it.
class Write {
 public:
  Write() = default;
  Write(Driver* driver, Status status, crdt::Seq seq) : driver_(driver), status_(status), seq_(seq) {}

  // ok: it stands here, and travels once there is a link.
  //   invalid, too_large  The map, key or value breaks a rule.
  //   full                The OpLog or the store has no room.
  //   not_found           There is nothing to remove from the set.
  //   conflict            Something else stands than put_if() expected.
  //   io                  The store failed.
  Status status() const { return status_; }
  // Names it within its store.
  crdt::Seq seq() const { return seq_; }
  // Where it is on its way. A write that was not accepted is `dropped`, never on its way.
  Outcome outcome() const { return status_ == Status::ok ? driver_->outcome_of(seq_) : Outcome::dropped; }

 private:
  Driver* driver_ = nullptr;
  Status status_ = Status::invalid;
  crdt::Seq seq_ = 0;
};

// A live subscription; ends with its scope.
class Watch {
 public:
  Watch() = default;
  Watch(Driver* driver, Status status, std::uint32_t id) : driver_(driver), status_(status), id_(id) {}
  Watch(Watch&& other) noexcept { *this = std::move(other); }
  Watch& operator=(Watch&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(status_, other.status_);
    std::swap(id_, other.id_);
    return *this;
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { end(); }

  //   invalid, too_large  The map or pattern breaks a rule.
  //   full                Limits::watches_max.
  Status status() const { return status_; }
  void end();

 private:
  Driver* driver_ = nullptr;
  Status status_ = Status::invalid;
  std::uint32_t id_ = 0;
};

// A live query; ends with its scope.
class Live {
 public:
  Live() = default;
  Live(Driver* driver, Status status, std::uint32_t id) : driver_(driver), status_(status), id_(id) {}
  Live(Live&& other) noexcept { *this = std::move(other); }
  Live& operator=(Live&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(status_, other.status_);
    std::swap(id_, other.id_);
    return *this;
  }
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;
  ~Live() { end(); }

  //   invalid, too_large  The predicate or the order is none, or this machine has no query engine.
  //   full                No room for another subscription, or for the rows of the answer.
  Status status() const { return status_; }
  void end() {
    if (driver_ != nullptr && status_ == Status::ok) driver_->end_live(id_);
    driver_ = nullptr;
  }

 private:
  Driver* driver_ = nullptr;
  Status status_ = Status::invalid;
  std::uint32_t id_ = 0;
};

// A map of one node: keys to values, last writer wins.
class Map {
 public:
  Map() = default;
  Map(Driver* driver, std::string_view name) : driver_(driver), name_(name) {}

  // Puts a record. `ttl_ms` 0: it never expires.
  Write put(std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms = 0);
  // Puts any canonical value.
  Write put(std::string_view key, const Value& value, std::uint64_t ttl_ms = 0);
  Write remove(std::string_view key);
  // Puts a record, or any value, if what stands here is still what `expected` was read with (Change::version; {} for
  // nothing). Judged on this replica, now: replicas that write at the same time settle it as ever, by their stamps.
  Write put_if(const Version& expected, std::string_view key, std::initializer_list<Field> record,
               std::uint64_t ttl_ms = 0);
  Write put_if(const Version& expected, std::string_view key, const Value& value, std::uint64_t ttl_ms = 0);
  // Puts the record that stands with these fields set, and the others as they are; what stands is a record or nothing.
  // It is still one value: of two replicas that update at the same time, one wins.
  //   invalid  Something else than a record stands.
  Write update(std::string_view key, std::initializer_list<Field> fields, std::uint64_t ttl_ms = 0);
  // What stands, with its version; absent when nothing does.
  Change read(std::string_view key) const;

  // What the key holds here and now; absent when nothing.
  Value get(std::string_view key) const;
  // One field of it, read where it lies: `climate.get<double>("bench/3", "outside.temp")`. docs/views.md says which
  // types there are and what a path is; fields.h does the same for rows that are visited.
  //   not_found  No row stands, or it has no such field.
  //   invalid    The field is of another kind, or the path is none: problem() says which.
  //   too_large  A number beyond what a T holds, or more than this device takes.
  //   io, corrupt  The store failed.
  template <typename T>
  Result<T> get(std::string_view key, std::string_view path = {}) const {
    const Result<Value> value = value_of(key, path);
    if (!value.ok()) return value.status();
    const Result<T> typed = fields::typed<T>(*value);
    return typed.ok() ? typed : refuse_kind(path, *value, fields::kKindOf<T>, typed.status());
  }

  // Calls `visit(const Change&)` for each live row whose key begins with `prefix`, in key order. `visit` makes no
  // calls on the node.
  template <typename Visit>
  Status scan(std::string_view prefix, Visit visit) const {
    char after[kKeyBytesMax];
    std::size_t size = 0;
    const Scope scope{prefix.empty() ? ScopeKind::map : ScopeKind::prefix, name_, prefix};
    for (;;) {
      Result<Change> row = driver_->next(scope, name_, {after, size});
      if (!row.ok()) return row.status() == Status::not_found ? Status::ok : row.status();
      visit(*row);
      size = row->key.size();
      std::memcpy(after, row->key.data(), size);
    }
  }

  // Calls `visit(const Change&)` for each row of a page of the answer, in order. `visit` makes no calls on the node.
  //     Page page = climate.query({.where = "temp > 20", .order = "temp desc", .limit = 10}, [](const Change& row) {});
  template <typename Visit>
  Page query(const Query& query, Visit visit) const {
    return driver_->query(name_, query, {[](void* at, const Change& row) { (*static_cast<Visit*>(at))(row); }, &visit});
  }
  // From now on queries may use an index on `path`. It lives in memory, as long as the node, and is built by the first
  // query; LinuxOptions::index_bytes_max holds for all of them.
  //   invalid  The path is none, or this machine has no query engine.
  //   full     There are as many as there may be.
  Status index(std::string_view path, IndexKind kind = IndexKind::ordered) {
    return driver_->declare_index(name_, path, kind);
  }

  // The same for the rows from key `from` on, up to but without `to`; an empty one is the map's begin or end.
  template <typename Visit>
  Status scan_range(std::string_view from, std::string_view to, Visit visit) const {
    char after[kKeyBytesMax];
    std::size_t size = from.copy(after, sizeof(after));
    if (!from.empty() && (to.empty() || from < to)) {
      const Result<Change> first = driver_->find(name_, from);
      if (first.ok()) visit(*first);
    }
    for (;;) {
      const Result<Change> row = driver_->next({ScopeKind::map, name_, {}}, name_, {after, size});
      if (!row.ok()) return row.status() == Status::not_found ? Status::ok : row.status();
      if (!to.empty() && row->key >= to) return Status::ok;
      visit(*row);
      size = row->key.copy(after, sizeof(after));
    }
  }

  // Pulls and keeps current what matches `pattern` (nothing or something that ends in '/' is a prefix, the rest is
  // one key), and calls back for every row that stands and for each later change.
  Watch watch(std::string_view pattern, Callback callback);
  // Pulls what `query.where` accepts, keeps the answer to the query current, and calls back for each row that enters
  // it, changes in it or leaves it, the first answer included; with a limit, for those of the window. `query.after` is
  // empty. When its rows outgrow LinuxOptions::live_bytes_max it ends, and the host's problem() says so.
  Live live(const Query& query, LiveCallback callback) const {
    std::uint32_t id = 0;
    const Status status = driver_->live(name_, query, callback, id);
    return {driver_, status, id};
  }
  // The same as watch() without callbacks, for as long as the node lives.
  Status subscribe(std::string_view pattern = {});

  std::string_view name() const { return name_; }

 private:
  Result<Value> value_of(std::string_view key, std::string_view path) const;
  Status refuse_kind(std::string_view path, const Value& value, ValueKind wanted, Status status) const;

  Driver* driver_ = nullptr;
  std::string_view name_;  // Kept by reference: a literal, as a rule.
};

class Node {
 public:
  explicit Node(Driver* driver) : driver_(driver) {}

  // `name` is kept by reference and must outlive the Map.
  grid::Map map(std::string_view name) { return {driver_, name}; }
  // A topic, or a filter of topics to listen to; a room. Names are kept by reference, as a map's.
  grid::Topic topic(std::string_view name) { return {driver_, name}; }
  grid::Room room(std::string_view name) { return {driver_, name}; }
  // Numbers what was said and asked on topics and in rooms so far: once status().channels_flushed has reached the
  // number, the server has done all of it, or refused it.
  std::uint32_t flush_channels();
  // Pulls a whole scope and keeps it current, for as long as the node lives.
  Status subscribe(const Scope& scope);
  // Asks that every subscription be compared with the server by digest, and each that is made later: status().verified
  // tells.
  void verify();
  // Goes on or off the net; a node that is opened with a server starts online.
  void online();
  void offline();

  runtime::ReplicaStatus status() { return driver_->replica_status(); }
  crdt::Digest digest(const Scope& scope = {}) { return driver_->digest(scope); }
  Driver& driver() { return *driver_; }

 private:
  Driver* driver_;
};

}  // namespace grid
