// SPDX-License-Identifier: Apache-2.0

#include "tests/faults/platter.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crdt/base/check.h"

namespace grid::test {

namespace fs = std::filesystem;

namespace {

Platter* the_platter = nullptr;

std::string read_whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Their content is made anew by whoever opens them, through a map that nobody sees being written.
bool is_scratch(const std::string& name) { return name.ends_with("lock.mdb") || name.ends_with("-shm"); }

std::string directory_of(const std::string& name) { return fs::path(name).parent_path().string(); }

}  // namespace

Platter::Platter(const std::string& folder) : folder_(fs::canonical(folder).string()) {
  GRID_CHECK(the_platter == nullptr);
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
    const std::string name = fs::relative(entry.path(), folder_).string();
    durable_names_.insert(name);
    if (!entry.is_regular_file() || is_scratch(name)) continue;
    File& file = files_[name];
    file.durable = read_whole(entry.path());
    file.size = file.durable.size();
  }
  the_platter = this;
}

Platter::~Platter() { the_platter = nullptr; }

Platter* Platter::current() { return the_platter; }

void Platter::on_change(void (*look)(void*), void* context) {
  look_ = look;
  context_ = context;
}

void Platter::changed() const {
  if (look_ != nullptr) look_(context_);
}

void Platter::fail_at(std::uint64_t call, Failure failure) {
  fail_at_ = call;
  failure_ = failure;
  dice_.seed(call);
}

Platter::Failure Platter::next_call() {
  if (++calls_ != fail_at_) return Failure::none;
  has_failed_ = true;
  is_full_ = failure_ == Failure::no_space || failure_ == Failure::torn;
  return failure_;
}

std::string Platter::name_of(const char* path) const {
  const std::string text = path;
  if (!text.starts_with(folder_ + "/")) return {};
  const std::string name = text.substr(folder_.size() + 1);
  return is_scratch(name) ? std::string() : name;
}

std::string Platter::name_of(int file) const {
  char path[4'096];
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path, sizeof(path) - 1);
  if (size <= 0) return {};
  path[size] = '\0';
  return path == folder_ ? "." : name_of(path);
}

// ---- calls

long Platter::allow(const std::string& name, std::size_t at, std::size_t size, bool is_synced) {
  const bool was_full = is_full_;
  const Failure failure = next_call();
  if (failure != Failure::none) failed_synced_write_ = is_synced;
  const bool is_longer = at + size > files_[name].size;
  if (failure == Failure::torn && size > 1) return static_cast<long>(size / 2);
  if (failure == Failure::none && !(was_full && is_longer)) return static_cast<long>(size);
  errno = failure == Failure::io ? EIO : ENOSPC;
  return -1;
}

void Platter::written(const std::string& name, std::size_t at, Bytes bytes, bool is_synced) {
  File& file = files_[name];
  file.size = std::max(file.size, at + bytes.size());
  const std::size_t first = at / kSectorBytes, end = (at + bytes.size() + kSectorBytes - 1) / kSectorBytes;
  for (std::size_t sector = first; sector < end; ++sector) {
    const std::size_t start = sector * kSectorBytes;
    std::vector<std::string>& versions = file.sectors[sector];
    std::string content = !versions.empty()             ? versions.back()
                          : start < file.durable.size() ? file.durable.substr(start, kSectorBytes)
                                                        : std::string();
    content.resize(kSectorBytes);
    const std::size_t from = std::max(start, at), to = std::min(start + kSectorBytes, at + bytes.size());
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(from - at),
              bytes.begin() + static_cast<std::ptrdiff_t>(to - at),
              content.begin() + static_cast<std::ptrdiff_t>(from - start));
    versions.push_back(std::move(content));
  }
  changed();
  for (std::size_t sector = first; is_synced && sector < end; ++sector) make_durable(file, sector);
}

void Platter::make_durable(File& file, std::size_t sector) {
  const std::string content = std::move(file.sectors[sector].back());
  const std::size_t start = sector * kSectorBytes, size = std::min(kSectorBytes, file.size - start);
  if (file.durable.size() < start + size) file.durable.resize(start + size);
  file.durable.replace(start, size, content, 0, size);
  file.sectors.erase(sector);
}

int Platter::allow_resize(const std::string& name, std::size_t size) {
  const Failure failure = next_call();
  if (failure == Failure::none && !(is_full_ && size > files_[name].size)) return 0;
  errno = failure == Failure::io ? EIO : ENOSPC;
  return -1;
}

void Platter::resized(const std::string& name, std::size_t size) {
  File& file = files_[name];
  if (size < file.size) {
    file.sectors.erase(file.sectors.lower_bound((size + kSectorBytes - 1) / kSectorBytes), file.sectors.end());
    file.durable.resize(std::min(file.durable.size(), size));
  }
  file.size = size;
  changed();
}

int Platter::sync(const std::string& name, bool is_directory) {
  const Failure failure = next_call();
  if (failure != Failure::none) {
    failed_directory_ = is_directory;
    if (!is_directory) lose_some(files_[name]);
    errno = failure == Failure::io ? EIO : ENOSPC;
    return -1;
  }
  if (is_directory) {
    names_synced(name == "." ? "" : name);
  } else {
    File& file = files_[name];
    while (!file.sectors.empty()) make_durable(file, file.sectors.begin()->first);
    file.durable.resize(file.size);
  }
  changed();
  return 0;
}

void Platter::lose_some(File& file) {
  file.durable = content_of(file, Loss::some, dice_);
  file.sectors.clear();
}

void Platter::names_synced(const std::string& directory) {
  std::erase_if(durable_names_, [&](const std::string& name) { return directory_of(name) == directory; });
  std::erase_if(files_, [&](const auto& file) {
    return directory_of(file.first) == directory && !fs::exists(fs::path(folder_) / file.first);
  });
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(folder_) / directory)) {
    durable_names_.insert((fs::path(directory) / entry.path().filename()).string());
  }
}

void Platter::renamed(const std::string& from, const std::string& to) {
  GRID_CHECK(!durable_names_.contains(from) && !durable_names_.contains(to));
  files_[to] = std::move(files_[from]);
  files_.erase(from);
  changed();
}

// Until its directory is synced the name may come back, with what was durable of it.
void Platter::removed(const std::string& name) {
  if (durable_names_.contains(name)) {
    lose_some(files_[name]);
  } else {
    files_.erase(name);
  }
  changed();
}

// ---- cuts

std::string Platter::content_of(const File& file, Loss loss, std::mt19937_64& dice) {
  std::string content = file.durable;
  if (loss == Loss::nothing || (loss == Loss::some && dice() % 2 == 0)) content.resize(file.size);
  for (const auto& [sector, versions] : file.sectors) {
    const std::size_t kept = loss == Loss::everything ? 0
                             : loss == Loss::nothing  ? versions.size()
                                                      : dice() % (versions.size() + 1);
    if (kept == 0) continue;
    const std::size_t start = sector * kSectorBytes, size = std::min(kSectorBytes, file.size - start);
    if (content.size() < start + size) content.resize(start + size);
    content.replace(start, size, versions[kept - 1], 0, size);
  }
  return content;
}

// A name is there when all directories above it are.
bool Platter::is_there(const std::string& name, Loss loss, std::mt19937_64& dice,
                       std::map<std::string, bool>& drawn) const {
  if (name.empty()) return true;
  const auto known = drawn.find(name);
  if (known != drawn.end()) return known->second;
  const bool is_now = fs::exists(fs::path(folder_) / name), is_durable = durable_names_.contains(name);
  bool is = is_now;
  if (is_now != is_durable && loss == Loss::everything) is = is_durable;
  if (is_now != is_durable && loss == Loss::some) is = dice() % 2 == 0;
  is = is_there(directory_of(name), loss, dice, drawn) && is;
  drawn[name] = is;
  return is;
}

void Platter::cut(const std::string& folder, Loss loss, std::mt19937_64& dice) const {
  std::map<std::string, bool> drawn;
  for (const auto& [name, file] : files_) {
    if (!is_there(name, loss, dice, drawn)) continue;
    const fs::path path = fs::path(folder) / name;
    fs::create_directories(path.parent_path());
    const std::string content = content_of(file, loss, dice);
    std::ofstream(path, std::ios::binary) << content;
  }
}

}  // namespace grid::test
