// SPDX-License-Identifier: Apache-2.0
//
// Budget, Meter, Problem: what a question may take, what it took, and what went wrong.
//
// Place     Lowest of the evaluator, beside atom.h.
#pragma once

#include <cstring>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::datalog {

// A step is a fact or a row that is looked at. Memory is the question's region's, by its limit.
struct Budget {
  std::uint64_t steps = 100'000'000;
};

class Meter {
 public:
  explicit Meter(Budget budget) : left_(budget.steps), all_(budget.steps) {}

  Status step(std::uint64_t count = 1) {
    if (count > left_) {
      left_ = 0;
      is_over_ = true;
      return Status::full;
    }
    left_ -= count;
    return Status::ok;
  }
  bool is_over() const { return is_over_; }
  std::uint64_t taken() const { return all_ - left_; }
  std::uint64_t all() const { return all_; }

 private:
  std::uint64_t left_;
  std::uint64_t all_;
  bool is_over_ = false;
};

// A sentence in place: "limit: ...", "input 2: ...". What doesn't fit is cut off.
class Problem {
 public:
  bool exists() const { return size_ > 0; }
  std::string_view sentence() const { return {text_, size_}; }
  void clear() { size_ = 0; }

  Problem& say(std::string_view text) {
    const std::size_t count = text.size() < sizeof(text_) - size_ ? text.size() : sizeof(text_) - size_;
    if (count > 0) std::memcpy(text_ + size_, text.data(), count);
    size_ += count;
    return *this;
  }
  Problem& say(std::uint64_t number) {
    char digits[20];
    char* first = digits + sizeof(digits);
    do *--first = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
    return say(std::string_view(first, static_cast<std::size_t>(digits + sizeof(digits) - first)));
  }

 private:
  char text_[240];
  std::size_t size_ = 0;
};

}  // namespace grid::datalog
