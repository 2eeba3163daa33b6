// SPDX-License-Identifier: Apache-2.0
//
// Access: what the gateway is asked about everything that a principal wants: what it may read, write, hear and look at.
//
// Place     Beside coordinator.h, whose options name one. grants.h is the one that is configured; an embedder writes
// its
//           own. Knows no link: a link holds the rights of its principal in a Permit (permit.h).
// Promises  SEC-1  What no right says is denied.
// Ownership Rights that were handed out stand, unchanged, until they are given back; so do the views that they give.
// Threads   None: the coordinator's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/cell.h"
#include "crdt/query/predicate.h"

namespace grid::server {

enum class Right : std::uint8_t {
  read,       // Rows of a map: to hold them in a replica, and to be shown them.
  put,        // To write rows, and what lies under them.
  remove,     // To take them away.
  subscribe,  // To listen to topics, and to attend rooms.
  publish,    // To publish in topics, and to tell rooms something. To join a room takes both.
  inspect,    // To look into the gateway.
  admin,      // To change it: devices, backups.
};
inline constexpr std::size_t kRights = 7;
const char* name_of(Right right);

// Rows of a map that something may be done with.
class RowSet {
 public:
  static RowSet none() { return {}; }
  static RowSet all() { return RowSet(true, {}); }
  // Those that the predicate accepts.
  static RowSet where(const query::Predicate& predicate) { return RowSet(predicate.accepts_everything(), predicate); }

  bool is_none() const { return !is_all_ && predicate_.accepts_everything(); }
  bool is_all() const { return is_all_; }
  bool is_some() const { return !is_none() && !is_all_; }
  bool has(std::string_view key, Bytes value) const {
    return is_all_ || (is_some() && predicate_.matches({key, crdt::Value(value)}));
  }
  // A row that was removed is in all of them, or in none.
  bool has(const crdt::Cell& row) const { return is_all_ || (!row.is_tombstone() && has(row.name.key, row.value)); }
  const query::Predicate& predicate() const { return predicate_; }  // Of some.

 private:
  RowSet() = default;
  RowSet(bool is_all, const query::Predicate& predicate) : is_all_(is_all), predicate_(predicate) {}

  bool is_all_ = false;
  query::Predicate predicate_;
};

// What of a map's rows may be shown to a person, one question at a time (PROTOCOL P21).
struct Sight {
  RowSet whole = RowSet::none();          // These as they are,
  RowSet masked = RowSet::none();         // and these without
  std::span<const std::string> hidden{};  // their fields of these names. No question may look at them.
};

// Of one principal in one app.
class Rights {
 public:
  // Of read: what may be held whole. An empty name stands for any map that there may ever be.
  virtual RowSet rows(Right right, std::string_view map) const = 0;
  virtual Sight sight(std::string_view map) const = 0;
  // A topic, a filter of topics, or a room.
  virtual bool may(Right right, std::string_view channel) const = 0;
  // In this app, of whichever map.
  virtual bool may(Right right) const = 0;
  // The same for the same rights, and another for others.
  virtual std::uint64_t fingerprint() const = 0;

 protected:
  ~Rights() = default;
};

class Access {
 public:
  // Null: this principal has no business here any more. `claims` is a canonical record, or empty.
  virtual const Rights* acquire(std::string_view identity, Bytes claims) = 0;
  virtual void release(const Rights* rights) = 0;

 protected:
  ~Access() = default;
};

}  // namespace grid::server
