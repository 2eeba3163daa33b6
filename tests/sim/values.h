// SPDX-License-Identifier: Apache-2.0
//
// Values: what the devices of a simulated world write. Each tells which write it is of.
//
// Place     Beside run.cc, which draws them.
#pragma once

#include <string>

#include "crdt/value.h"
#include "tests/sim/world.h"

namespace grid::sim {

class Values {
 public:
  static constexpr std::uint64_t kLevels = 8;

  explicit Values(const World& world)
      : world_(world), with_levels_(world.options().predicates), under_rules_(world.options().ruling != 0) {}

  // Values tell who wrote them: no two are equal, but for the empty ones.
  std::string number() {
    std::uint8_t room[16];
    crdt::ValueWriter writer(room);
    writer.integer(++next_value_);
    return std::string(as_text(*writer.finish()));
  }
  // What rules are about; no two are equal.
  std::string leveled(std::uint64_t choice) {
    std::uint8_t room[64];
    crdt::ValueWriter writer(room);
    writer.begin_record();
    writer.field("n");
    writer.integer(++next_value_);
    writer.field("level");
    writer.integer(static_cast<std::int64_t>(choice / 3 % kLevels));
    writer.field("site");
    writer.integer(static_cast<std::int64_t>(choice / 64 % 2));
    writer.end_record();
    return std::string(as_text(*writer.finish()));
  }
  std::string plain(std::uint64_t choice) {
    if (with_levels_) return record(choice);
    return !under_rules_ ? number() : leveled(choice);
  }
  static std::string small_number(std::uint64_t number) {
    std::uint8_t room[16];
    crdt::ValueWriter writer(room);
    writer.integer(static_cast<std::int64_t>(number));
    return std::string(as_text(*writer.finish()));
  }
  static std::string ref(std::string_view key) {
    std::uint8_t room[kKeyBytesMax + 8];
    crdt::ValueWriter writer(room);
    writer.ref(key);
    return std::string(as_text(*writer.finish()));
  }
  std::string text(std::size_t bytes) {
    std::string padded = bytes == 0 ? "" : std::to_string(++next_value_) + ":";
    padded.resize(bytes, 'x');
    std::uint8_t room[4'096];
    crdt::ValueWriter writer(room);
    writer.text(padded);
    return std::string(as_text(*writer.finish()));
  }

  // A record of every kind of value, fields out of order.
  std::string record(std::uint64_t choice) {
    std::uint8_t room[256];
    crdt::ValueWriter writer(room);
    writer.begin_record();
    if (with_levels_) {
      writer.field("level");
      writer.integer(static_cast<std::int64_t>(choice / 64 % kLevels));
    }
    writer.field("when");
    writer.timestamp(static_cast<std::int64_t>(world_.true_ms()));
    writer.field("id");
    writer.integer(++next_value_);
    writer.field("half");
    writer.number(static_cast<double>(next_value_) / 2);
    writer.field("parts");
    writer.begin_list();
    writer.boolean(next_value_ % 2 == 0);
    writer.null();
    writer.bytes(as_bytes("\x01\x02"));
    writer.end_list();
    writer.field("of");
    writer.ref("hot/1");
    writer.end_record();
    return std::string(as_text(*writer.finish()));
  }

  static bool is_whole(const crdt::Value& value, std::int64_t id) {
    std::size_t parts = 0;
    for (crdt::Value::Walk walk(value["parts"]); walk.next(); ++parts) {
      if (parts == 0 && walk.value().truth_or(id % 2 != 0) != (id % 2 == 0)) return false;
      if (parts == 2 && as_text(walk.value().bytes_or({})) != "\x01\x02") return false;
    }
    return parts == 3 && value["half"].number_or(0) == static_cast<double>(id) / 2 &&
           value["of"].text_or("") == "hot/1" && value["when"].timestamp_or(0) > 0 && !value["none"].exists();
  }

 private:
  const World& world_;
  const bool with_levels_;  // Predicates look at them.
  const bool under_rules_;
  std::int64_t next_value_ = 0;
};

}  // namespace grid::sim
