// SPDX-License-Identifier: Apache-2.0
//
// StoreScript: what a store goes through in a sweep, the same for the same seed, and all that it may hold after a cut.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "storage/store.h"
#include "tests/contract/store_model.h"

namespace grid::test {

class StoreScript {
 public:
  explicit StoreScript(std::uint64_t seed) : dice_(seed) { seal(); }

  // Anything but a flush: a few appends, a restamp, marks, facts, a seal.
  void step(storage::Store& store);
  // Seals and flushes. What was sealed before may be durable from now on; with `ok`, it is.
  Status flush(storage::Store& store);

  // All that the store holds, marks included, as one text.
  static std::string text_of(storage::Store& store);
  std::string text() const { return text_of(now_); }
  // Whether a store that was closed or cut now may say `text`: it is a sealed batch's end, no earlier than the one that
  // was last reported durable.
  bool may_hold(const std::string& text) const;
  // The store was opened again and says so.
  bool go_on_from(const std::string& text);

 private:
  struct Moment {
    Model model;
    std::string text;
  };

  std::uint64_t below(std::uint64_t bound) { return dice_() % bound; }
  void append(storage::Store& store);
  void restamp(storage::Store& store);
  void move_marks(storage::Store& store);
  void set_fact(storage::Store& store);
  void seal() { sealed_.push_back({now_, text_of(now_)}); }
  static std::string text_of(const Model& model);

  std::mt19937_64 dice_;
  Model now_;
  std::vector<Moment> sealed_;  // The first is durable.
};

}  // namespace grid::test
