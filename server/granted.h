// SPDX-License-Identifier: Apache-2.0
//
// Granted: the rights of one principal in one app, made of the grants of its roles.
//
// Place     Inside grants.h. A set of rows is told by one predicate: those of all grants that match the map, joined.
// Promises  A union: what one grant allows no other takes away. Grants that hide fields allow nothing but to be shown
//           rows, and hide nothing that another grant shows.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/access.h"

namespace grid::server {

inline std::uint32_t bit_of(Right right) { return 1u << static_cast<unsigned>(right); }

// A grant with its parameters bound. A program of no bytes accepts every row.
struct BoundGrant {
  std::string map{};
  std::string channel{};
  std::uint32_t rights = 0;  // bit_of() each.
  std::vector<std::uint8_t> program{};
  std::vector<std::string> hide{};
};

class Granted : public Rights {
 public:
  explicit Granted(std::vector<BoundGrant> grants);

  RowSet rows(Right right, std::string_view map) const override;
  Sight sight(std::string_view map) const override;
  bool may(Right right, std::string_view channel) const override;
  bool may(Right right) const override;
  std::uint64_t fingerprint() const override { return fingerprint_; }

 protected:
  ~Granted() = default;

 private:
  struct Joined {
    bool is_any = false;
    std::vector<std::uint8_t> program{};
    std::vector<std::string> hidden{};
    RowSet rows() const { return is_any ? RowSet::where(query::Predicate(program)) : RowSet::none(); }
  };

  const Joined& joined(Right right, std::string_view map, bool is_masked) const;
  Joined join(const std::vector<std::size_t>& matching) const;

  std::vector<BoundGrant> grants_;
  std::uint64_t fingerprint_ = 0;
  // By the grants that match: as many as there are patterns that differ, at most, for each right.
  mutable std::map<std::vector<std::size_t>, Joined> joined_;
};

// Whether the name is one that `pattern` stands for; an empty name is only among all that there may be.
bool pattern_covers(std::string_view pattern, std::string_view name);
// Whether each topic that the filter has is one that `pattern` has.
bool filter_covers(std::string_view pattern, std::string_view filter);

}  // namespace grid::server
