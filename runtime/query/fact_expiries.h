// SPDX-License-Identifier: Apache-2.0
//
// FactExpiries: which facts of one map expire and when, for who tells an index which facts stand.
//
// Place     Below fact_reader.h and server/fact_feed.h, which look again at the names that it gives them. Knows no
//           store and no clock.
// Promises  DLE-2  Whichever way the time goes, and when it is lost or learnt, it gives the names of all facts
//           that this makes expire or stand again, and of no others. Of facts that never expire it keeps nothing.
// Limits    One entry a fact that expires, of bytes_of() its name, until it is written without an expiry or gone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace grid::runtime {

class FactExpiries {
 public:
  using Name = std::pair<std::string, std::string>;  // Key and sub.
  using Names = std::set<Name>;

  // What there is of that name expires then; 0: it never does, or there is nothing.
  void note(std::string_view key, std::string_view sub, std::uint64_t expires_ms);
  // Nothing is left of the entity.
  void forget(std::string_view key);
  void clear();
  // From now on that is the time; 0: it is unknown, and nothing has expired.
  void pass_to(std::uint64_t known_ms, Names& touched);

  // When the next one expires; kNever: none does, or the time is unknown.
  std::uint64_t next_ms() const;
  // That all its entries take.
  std::size_t bytes() const { return bytes_; }

 private:
  using ByTime = std::multimap<std::uint64_t, const Name*>;
  using ByName = std::map<Name, ByTime::iterator>;

  static std::size_t bytes_of(const Name& name);
  ByName::iterator erase(ByName::iterator at);

  ByName by_name_;
  ByTime by_time_;
  std::size_t bytes_ = 0;
  std::uint64_t known_ms_ = 0;
};

}  // namespace grid::runtime
