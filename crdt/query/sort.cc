// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/sort.h"

#include "crdt/query/order.h"
#include "crdt/query/parser.h"

namespace grid::query {

// Each key: whether it descends, two bytes of length, and its path.
class SortWalk {
 public:
  static constexpr std::size_t kHeadBytes = 3;

  explicit SortWalk(const Sort& sort) : rest_(sort.encoded_) {}
  bool next() {
    if (rest_.empty()) return false;
    is_descending_ = rest_[0] != 0;
    const auto size = static_cast<std::size_t>(load_le<2>(rest_.data() + 1));
    path_ = Path(rest_.subspan(kHeadBytes, size));
    rest_ = rest_.subspan(kHeadBytes + size);
    return true;
  }
  bool is_descending() const { return is_descending_; }
  const Path& path() const { return path_; }

 private:
  Bytes rest_;
  bool is_descending_ = false;
  Path path_;
};

namespace {

class SortCompiler : public Parser {
 public:
  using Parser::Parser;

  Result<Sort> run() {
    if (is_end()) return Sort();
    for (std::size_t keys = 1;; ++keys) {
      if (keys > kSortKeysMax) return refuse(Complaint::too_many_keys, Status::too_large);
      GRID_TRY(key());
      if (is_end()) return Sort(room_.first(size_));
      if (!took(Word::comma)) return refuse(Complaint::direction_expected);
    }
  }

 private:
  Status key() {
    const std::size_t head = size_;
    constexpr std::uint8_t kHead[SortWalk::kHeadBytes] = {};
    GRID_TRY(put(kHead));
    GRID_TRY(put_path());
    store_le<2>(size_ - head - SortWalk::kHeadBytes, room_.data() + head + 1);
    room_[head] = took(Word::descending) ? 1 : 0;
    if (room_[head] == 0) took(Word::ascending);
    return Status::ok;
  }
};

}  // namespace

Place Sort::place_of(const Row& row) const {
  Place place;
  place.key = row.key;
  for (SortWalk walk(*this); walk.next();) {
    Path::Room room;
    place.values[place.count++] = walk.path().root() == Root::key ? Value() : walk.path().of(row, room);
  }
  return place;
}

int Sort::compare(const Place& a, const Place& b) const {
  std::size_t i = 0;
  for (SortWalk walk(*this); walk.next(); ++i) {
    const bool is_key = walk.path().root() == Root::key;
    const int order = is_key ? a.key.compare(b.key) : query::compare(a.values[i], b.values[i]);
    if (order != 0) return walk.is_descending() ? -order : order;
  }
  return a.key.compare(b.key);
}

Result<Sort> compile_sort(std::string_view text, MutBytes room, Trouble& trouble) {
  return SortCompiler(text, room, trouble).run();
}

}  // namespace grid::query
