// SPDX-License-Identifier: Apache-2.0

#include "runtime/stored_schema.h"

#include "runtime/call.h"

namespace grid::runtime {

namespace {

constexpr std::size_t kPartBytes = storage::Store::kFactBytesMax;

// schema/MAP/NN
class PartName {
 public:
  PartName(std::string_view map, std::size_t part) {
    for (const std::string_view text : {std::string_view("schema/"), map, std::string_view("/")}) {
      size_ += text.copy(text_ + size_, sizeof(text_) - size_);
    }
    text_[size_++] = static_cast<char>('0' + part / 10);
    text_[size_++] = static_cast<char>('0' + part % 10);
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[7 + kMapBytesMax + 3];
  std::size_t size_ = 0;
};

}  // namespace

Status set_schema(Editor& editor, const Call& call) {
  if (call.value.size() > kSchemaBytesMax) return Status::too_large;
  editor.touch();
  std::size_t part = 0;
  for (Bytes rest = call.value; !rest.empty(); ++part) {
    const Bytes piece = rest.first(rest.size() < kPartBytes ? rest.size() : kPartBytes);
    GRID_TRY(editor.store().set_fact(PartName(call.scope.map, part).view(), piece));
    rest = rest.subspan(piece.size());
  }
  // What a longer one has left.
  while (editor.store().fact(PartName(call.scope.map, part).view()).ok()) {
    GRID_TRY(editor.store().set_fact(PartName(call.scope.map, part++).view(), {}));
  }
  return Status::ok;
}

Result<Bytes> schema_of(storage::Store& store, std::string_view map, MutBytes room) {
  std::size_t size = 0;
  for (std::size_t part = 0;; ++part) {
    const Result<Bytes> bytes = store.fact(PartName(map, part).view());
    if (bytes.status() == Status::not_found) break;
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() > room.size() - size) return Status::too_large;
    copy(*bytes, room.subspan(size));
    size += bytes->size();
  }
  if (size == 0) return Status::not_found;
  return Bytes(room.first(size));
}

}  // namespace grid::runtime
