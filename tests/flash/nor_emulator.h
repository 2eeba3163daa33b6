// SPDX-License-Identifier: Apache-2.0
//
// NorEmulator: a NOR flash in memory that is as strict as a chip, and less reliable.
//
// Promises  A call that breaks the contract of NorDevice is a violation, and stays one: violation() says the first.
//           The same calls and the same seed give the same bytes.
// Ownership A copy is another chip with the same content.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "storage/flash/nor_device.h"

namespace grid::test {

class NorEmulator final : public storage::NorDevice {
 public:
  explicit NorEmulator(std::uint32_t sector_count, std::uint32_t sector_bytes = 4'096);

  std::uint32_t sector_bytes() const override { return sector_bytes_; }
  std::uint32_t sector_count() const override { return static_cast<std::uint32_t>(erases_.size()); }
  Status read(std::uint32_t offset, MutBytes to) override;
  Status program(std::uint32_t offset, Bytes from) override;
  Status erase(std::uint32_t sector) override;

  // The power goes in the middle of the changing call (program or erase) number `call`, counted from now, 0 the first:
  // it does some of its work, drawn from `seed`. From then on every call fails, until power_on().
  enum class Tear : std::uint8_t { before, within, after };
  void cut_at(std::uint64_t call, Tear tear, std::uint64_t seed);
  bool is_cut() const { return is_cut_; }
  void power_on();

  // The changing call number `call`, counted from now, does some of its work and fails. `is_worn`: so does every later
  // one on that sector.
  void fail_at(std::uint64_t call, bool is_worn, std::uint64_t seed);
  bool has_failed() const { return has_failed_; }
  // Programs and erases fail from now on and do nothing, or don't.
  void fail_changes(bool fails) { changes_fail_ = fails; }
  // Reads fail from now on, or don't.
  void fail_reads(bool fails) { reads_fail_ = fails; }

  // Turns one bit over, as rot does.
  void rot(std::uint32_t offset, int bit);
  // The content, to look at and to damage.
  std::vector<std::uint8_t>& bytes() { return bytes_; }
  // Somebody else's content: it may be programmed over only where it is erased.
  void load(std::vector<std::uint8_t> bytes);

  const std::string& violation() const { return violation_; }

  struct Counts {
    std::uint64_t reads = 0, programs = 0, erases = 0;
    std::uint64_t bytes_read = 0, bytes_programmed = 0;
    std::uint64_t changes() const { return programs + erases; }
  };
  const Counts& counts() const { return counts_; }
  void reset_counts() { counts_ = {}; }
  const std::vector<std::uint32_t>& erases() const { return erases_; }

 private:
  enum class Fate : std::uint8_t { whole, partial_cut, lost_cut, whole_cut, partial_failure };

  Fate fate_of(std::uint32_t sector);
  Status violate(const char* what, std::uint64_t offset);
  void program_partly(std::uint32_t offset, Bytes from);
  void erase_partly(std::uint32_t sector);

  std::uint32_t sector_bytes_;
  std::vector<std::uint8_t> bytes_;
  std::vector<bool> is_programmed_;  // A unit each, since the erase.
  std::vector<std::uint32_t> erases_;
  std::vector<bool> is_worn_;
  std::mt19937_64 dice_;

  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  std::uint64_t cut_in_ = kNever, fail_in_ = kNever;
  Tear tear_ = Tear::before;
  bool is_cut_ = false, has_failed_ = false, wears_ = false, reads_fail_ = false, changes_fail_ = false;
  Counts counts_;
  std::string violation_;
};

}  // namespace grid::test
