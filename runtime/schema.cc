// SPDX-License-Identifier: Apache-2.0

#include "runtime/schema.h"

#include <algorithm>

namespace grid {

using crdt::Value;
using crdt::ValueKind;

namespace {

bool is_of(ValueKind wanted, ValueKind kind) {
  return wanted == ValueKind::absent || wanted == kind || (wanted == ValueKind::number && kind == ValueKind::integer);
}

std::size_t size_of(const Value& value) {
  if (value.kind() == ValueKind::bytes) return value.bytes_or({}).size();
  if (value.kind() != ValueKind::list && value.kind() != ValueKind::record) return value.text_or({}).size();
  std::size_t count = 0;
  for (Value::Walk walk(value); walk.next();) ++count;
  return count;
}

double size_as_number(const Value& value) {
  if (value.kind() == ValueKind::timestamp) return static_cast<double>(value.timestamp_or(0));
  return value.number_or(0);
}

bool has_order(ValueKind kind) {
  return kind == ValueKind::integer || kind == ValueKind::number || kind == ValueKind::timestamp;
}

bool is_listed(std::span<const std::string_view> list, const Value& value) {
  if (list.empty()) return true;
  return value.kind() == ValueKind::text && std::find(list.begin(), list.end(), value.text_or({})) != list.end();
}

Violation judge(const SchemaField& field, const Value& value) {
  const ValueKind kind = value.kind();
  if (kind == ValueKind::absent || kind == ValueKind::null) {
    return field.required ? Violation::missing : Violation::none;
  }
  if (!is_of(field.kind, kind)) return Violation::wrong_kind;
  // Written so that a NaN is in no range that ends.
  const bool is_bounded = has_order(kind);
  const double number = is_bounded ? size_as_number(value) : 0;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (is_bounded && field.min != -kInfinity && !(number >= field.min)) return Violation::too_small;
  if (is_bounded && field.max != kInfinity && !(number <= field.max)) return Violation::too_great;
  if (size_of(value) > field.size_max) return Violation::too_large;
  return is_listed(field.one_of, value) ? Violation::none : Violation::not_listed;
}

class Line {
 public:
  explicit Line(std::span<char> room) : room_(room) {}
  Line& text(std::string_view text) {
    size_ += text.copy(room_.data() + size_, room_.size() - size_);
    return *this;
  }
  std::string_view view() const { return {room_.data(), size_}; }

 private:
  std::span<char> room_;
  std::size_t size_ = 0;
};

}  // namespace

Value field_at(const Value& record, std::string_view path) {
  Value at = record;
  for (;;) {
    const std::size_t dot = path.find('.');
    at = at[path.substr(0, dot)];
    if (dot == std::string_view::npos) return at;
    path.remove_prefix(dot + 1);
  }
}

Status Schema::check(const Value& record, SchemaTrouble& trouble) const {
  if (record.kind() != ValueKind::record) {
    trouble = {Violation::no_record, nullptr, record.kind()};
    return Status::invalid;
  }
  for (const SchemaField& field : fields_) {
    const Value value = field_at(record, field.path);
    const Violation violation = judge(field, value);
    if (violation == Violation::none) continue;
    trouble = {violation, &field, value.kind()};
    return Status::invalid;
  }
  return Status::ok;
}

const SchemaField* Schema::find(std::string_view path) const {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [path](const SchemaField& one) { return one.path == path; });
  return found == fields_.end() ? nullptr : &*found;
}

Value Schema::read(const Value& record, std::string_view path, std::uint64_t& mistyped) const {
  const SchemaField* field = find(path);
  const Value value = field_at(record, path);
  if (field == nullptr || !value.exists() || value.kind() == ValueKind::null) return value;
  if (is_of(field->kind, value.kind())) return value;
  ++mistyped;
  return {};
}

double Schema::number(const Value& record, std::string_view path, std::uint64_t& mistyped) const {
  const SchemaField* field = find(path);
  return read(record, path, mistyped).number_or(field != nullptr ? field->number_otherwise : 0);
}

std::string_view Schema::text(const Value& record, std::string_view path, std::uint64_t& mistyped) const {
  const SchemaField* field = find(path);
  return read(record, path, mistyped).text_or(field != nullptr ? field->otherwise : std::string_view{});
}

std::string_view SchemaTrouble::sentence(std::span<char> room) const {
  Line line(room);
  if (field == nullptr) return line.text("the value is to be a record, and is ").text(name_of(found)).view();
  line.text(field->path).text(": ");
  switch (violation) {
    case Violation::missing:
      return line.text("is required").view();
    case Violation::wrong_kind:
      return line.text("is to be ").text(name_of(field->kind)).text(", and is ").text(name_of(found)).view();
    case Violation::too_small:
      return line.text("is less than its range begins with").view();
    case Violation::too_great:
      return line.text("is greater than its range ends with").view();
    case Violation::too_large:
      return line.text("is larger than it may be").view();
    case Violation::not_listed:
      return line.text("is none of what it may be").view();
    default:
      return line.view();
  }
}

}  // namespace grid
