// SPDX-License-Identifier: Apache-2.0
//
// Platter: what a power cut would leave of a folder's files, and a medium that fails when it is told to.
//
// Place     Below the sweeps of this folder. interpose.cc hands it every call that changes a file, whoever makes it:
//           LMDB and SQLite are shared libraries, and a program's own pwrite() goes before the C library's.
// Promises  What was written since the last sync that succeeded may be lost or not, sector by sector and in any order;
//           so may names that their directory was not synced for. A write with O_DSYNC is durable when it returns. A
//           sync that fails forgets what it did not write: later ones don't make up for it, as on Linux.
// Limits    One at a time. A file that is made shorter is so at once, durably. Sectors are whole or not written at all:
// LMDB's last write needs that.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "crdt/base/bytes.h"

namespace grid::test {

class Platter {
 public:
  static constexpr std::size_t kSectorBytes = 512;

  // Watches `folder`: all that is in it by now is durable.
  explicit Platter(const std::string& folder);
  Platter(const Platter&) = delete;
  Platter& operator=(const Platter&) = delete;
  ~Platter();
  // The one there is, or null.
  static Platter* current();

  // `look(context)` is called whenever a cut could leave something new.
  void on_change(void (*look)(void*), void* context);
  enum class Loss : std::uint8_t { everything, nothing, some };
  // Puts into `folder`, which is empty, what a cut leaves now.
  void cut(const std::string& folder, Loss loss, std::mt19937_64& dice) const;

  // Call number `call` (from 1), and after it
  enum class Failure : std::uint8_t {
    none,
    io,        // says EIO; the next ones are well
    no_space,  // says ENOSPC, as does every one that makes a file longer, until make_room()
    torn,      // writes one half, and then there is no space
  };
  void fail_at(std::uint64_t call, Failure failure);
  void make_room() { is_full_ = false; }
  bool is_full() const { return is_full_; }
  std::uint64_t calls() const { return calls_; }
  bool has_failed() const { return has_failed_; }
  // What failed was a write that is its own sync.
  bool failed_synced_write() const { return failed_synced_write_; }
  // What failed was the sync of a directory.
  bool failed_directory() const { return failed_directory_; }

  // For interpose.cc. `name` is what name_of() says of a file: its path in the folder; empty: none of ours.
  std::string name_of(int file) const;
  std::string name_of(const char* path) const;
  // How much of a write is to be done; less than 0: none, and errno is set.
  long allow(const std::string& name, std::size_t at, std::size_t size, bool is_synced);
  void written(const std::string& name, std::size_t at, Bytes bytes, bool is_synced);
  // 0, or -1 with errno.
  int allow_resize(const std::string& name, std::size_t size);
  void resized(const std::string& name, std::size_t size);
  int sync(const std::string& name, bool is_directory);
  void renamed(const std::string& from, const std::string& to);
  void removed(const std::string& name);

 private:
  struct File {
    std::string durable;
    std::size_t size = 0;                                     // As everybody sees it.
    std::map<std::size_t, std::vector<std::string>> sectors;  // What each has been since it was durable, oldest first.
  };

  Failure next_call();
  void changed() const;
  void lose_some(File& file);
  void names_synced(const std::string& directory);
  static void make_durable(File& file, std::size_t sector);
  static std::string content_of(const File& file, Loss loss, std::mt19937_64& dice);
  bool is_there(const std::string& name, Loss loss, std::mt19937_64& dice, std::map<std::string, bool>& drawn) const;

  std::string folder_;
  std::map<std::string, File> files_;
  std::set<std::string> durable_names_;
  void (*look_)(void*) = nullptr;
  void* context_ = nullptr;
  std::uint64_t calls_ = 0;
  std::uint64_t fail_at_ = 0;
  Failure failure_ = Failure::none;
  bool has_failed_ = false;
  bool failed_synced_write_ = false;
  bool failed_directory_ = false;
  bool is_full_ = false;
  std::mt19937_64 dice_;
};

}  // namespace grid::test
