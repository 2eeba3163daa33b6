// SPDX-License-Identifier: Apache-2.0
//
// Principal: who stands at the other end, as parameters of predicates: $user, and claims as $c0, $c1 ...
//
// Place     Below grants.h. Knows no rule.
// Ownership Parameters are views of it, and stand until it is changed.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/query/trouble.h"

namespace grid::server {

// What stands there; absent where there is no such claim. `claims` is a canonical record, or empty.
crdt::Value claim_of(Bytes claims, const std::vector<std::string>& path);

class Principal {
 public:
  Principal(std::string_view identity, Bytes claims);
  Principal(const Principal&) = delete;
  Principal& operator=(const Principal&) = delete;

  // The next parameter is this claim. False: there is none, or it is null.
  bool add(const std::vector<std::string>& path);
  // The next parameter is text, or a list of it.
  void add_sample(bool is_list);
  std::span<const query::Parameter> parameters() const { return parameters_; }

 private:
  void add(std::string name, const crdt::Value& value);

  Bytes claims_;
  std::deque<std::string> texts_;  // Names, and values of which no claim has the bytes.
  std::vector<query::Parameter> parameters_;
};

}  // namespace grid::server
