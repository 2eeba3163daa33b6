// SPDX-License-Identifier: Apache-2.0
//
// Status and Result: what a call that can fail returns.
//
// Place     Lowest of all. Knows no other header.
// Promises  Two kinds of trouble, two mechanisms. Weather (a full disk, a lying peer) is a Status that
//           the compiler insists on. A bug (a broken invariant) is a GRID_CHECK, see check.h.
#pragma once

#include <cstdint>
#include <utility>

namespace grid {

// A value is added here only when it changes what a caller does. What happened in detail is said
// in a sentence by the host's problem().
enum class [[nodiscard]] Status : std::uint8_t{
    ok = 0,
    full,         // A configured limit or the device is exhausted. Back off, or make room.
    not_found,    // No such key, sequence, name or file.
    invalid,      // The caller's argument breaks a stated rule; retrying the same call cannot help.
    too_large,    // The argument is longer than the limit for it.
    corrupt,      // A length, order, checksum or canonical-form check failed on outside bytes.
    clock_ahead,  // A stamp is further in the future than the judge allows.
    denied,       // The identity at hand may not do this.
    busy,         // Held by another process, or by a call that is still under way.
    newer,        // Format or protocol of a release that is newer than this one.
    io,           // The device or the link failed.
    conflict,     // Something else stands than the caller expected. Read, and try again.
    collected,    // It was written without knowing of a deletion, which is settled. Write it anew if it is to be.
};

// The name as it is printed in errors and JSON.
constexpr const char* name_of(Status status) {
  constexpr const char* kNames[] = {"ok",     "full", "not_found", "invalid", "too_large", "corrupt",  "clock_ahead",
                                    "denied", "busy", "newer",     "io",      "conflict",  "collected"};
  return kNames[static_cast<std::uint8_t>(status)];
}

// A T, or the reason why there is none. Shaped like std::expected, to be replaced by it one day.
template <typename T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(std::move(value)) {}
  constexpr Result(Status status) : status_(status) {}

  constexpr bool ok() const { return status_ == Status::ok; }
  constexpr Status status() const { return status_; }
  // Only after ok().
  constexpr T& operator*() { return value_; }
  constexpr const T& operator*() const { return value_; }
  constexpr T* operator->() { return &value_; }
  constexpr const T* operator->() const { return &value_; }
  constexpr T value_or(T otherwise) const { return ok() ? value_ : otherwise; }

 private:
  T value_{};
  Status status_ = Status::ok;
};

}  // namespace grid

// Leaves this function with the status of `expression` unless that is ok.
#define GRID_TRY(expression)                                           \
  do {                                                                 \
    const ::grid::Status grid_try_status = (expression);               \
    if (grid_try_status != ::grid::Status::ok) return grid_try_status; \
  } while (false)
