// SPDX-License-Identifier: Apache-2.0
#include "cli/line_verbs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "cli/get.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/target_line.h"
#include "cli/text.h"
#include "crdt/merkle.h"

namespace grid::cli {
namespace {

using crdt::Op;
using crdt::ValueKind;

// Of a listing: what goes on for longer comes from no device.
constexpr std::size_t kPagesMax = 50'000;
// Behind a page that noise took, so many rows are asked for one by one: a short answer comes through where a page
// won't.
constexpr std::size_t kRowsAlone = 32;

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  if (text.size() >= kSize) throw Failure(Exit::usage, "too long to ask for: " + std::string(text));
  std::memset(field, 0, kSize);
  std::memcpy(field, text.data(), text.size());
}

grid_InspectAsk ask_for(std::string_view topic) {
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  set(ask.topic, topic);
  return ask;
}

// A device that has said what it is.
class Device {
 public:
  explicit Device(const Context& context);

  TargetLine& line() { return line_; }
  // The record of its topic "status".
  Value about() const { return Value(about_); }

  // Asks page by page until the last; `take` sees each op and moves the ask behind it.
  void each_page(
      grid_InspectAsk ask, const std::function<void(const Op&, grid_InspectAsk&)>& take,
      const std::function<bool()>& is_enough = [] { return false; });
  // Calls for each cell of `map`, in order, from the key `from` on; false ends it.
  void each_cell(const std::string& map, const std::string& from, const char* topic,
                 const std::function<bool(const Op&)>& visit);
  crdt::Digest digest();
  // Names that came without their values.
  const std::vector<std::string>& unseen() const { return unseen_; }

 private:
  TargetLine::Answer ask_page(grid_InspectAsk ask, const TargetLine::TakeOp& take);
  void place_behind(const crdt::CellName& name, grid_InspectAsk& ask);
  [[noreturn]] void refused(Status status);

  TargetLine line_;
  std::vector<std::uint8_t> about_;
  std::vector<std::string> unseen_;
  std::size_t rows_alone_ = 0;
};

Device::Device(const Context& context) : line_(context.target) {
  const TargetLine::Answer answer = line_.ask(ask_for("status"), [this](const Op& op) {
    if (op.cell.name.key == "status") about_.assign(op.cell.value.begin(), op.cell.value.end());
  });
  if (answer.status != Status::ok) refused(answer.status);
  if (about().kind() != ValueKind::record) line_.fail_corrupt("no record for its status");
  const std::int64_t protocol = about()["protocol"].integer_or(0);
  if (protocol < wire::kProtocolMin || protocol > wire::kProtocolMax) {
    throw Failure(Exit::failure, line_.name() + " speaks protocol " + std::to_string(protocol) + ", this gridctl " +
                                     std::to_string(wire::kProtocolMin) + " to " + std::to_string(wire::kProtocolMax));
  }
  const std::string_view app = about()["app"].text_or({});
  if (context.app != Context().app && context.app != app) {
    throw Failure(Exit::denied, line_.name() + " holds the app " + json_text(app) + ", not " + context.app);
  }
}

void Device::refused(Status status) {
  throw Failure(status == Status::corrupt ? Exit::corrupt : Exit::failure,
                line_.name() + " cannot tell: " + name_of(status));
}

void Device::each_page(grid_InspectAsk ask, const std::function<void(const Op&, grid_InspectAsk&)>& take,
                       const std::function<bool()>& is_enough) {
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    std::string name;
    const TargetLine::Answer answer = ask_page(ask, [&](const Op& op) {
      name = op.cell.name.key;
      take(op, ask);
    });
    if (answer.status == Status::too_large && answer.ops == 1) {
      unseen_.push_back(name);
    } else if (answer.status != Status::ok) {
      refused(answer.status);
    }
    if (is_enough() || answer.last) return;
    if (answer.ops == 0) line_.fail_corrupt("a page with nothing on it that is not the last");
  }
  line_.fail_corrupt("more than " + std::to_string(kPagesMax) + " pages");
}

TargetLine::Answer Device::ask_page(grid_InspectAsk ask, const TargetLine::TakeOp& take) {
  const bool is_list = ask.topic == std::string_view("ls");
  if (is_list && rows_alone_ != 0) {
    set(ask.topic, "get");
    --rows_alone_;
  }
  const TargetLine::Answer answer = line_.ask(ask, take, is_list ? "get" : nullptr);
  if (is_list && answer.was_torn) rows_alone_ = kRowsAlone;
  return answer;
}

// Pages that went back would never end.
void Device::place_behind(const crdt::CellName& name, grid_InspectAsk& ask) {
  if (crdt::check_name(name) != Status::ok) line_.fail_corrupt("a cell whose name breaks a rule");
  const std::string_view sub = as_text({ask.sub.bytes, ask.sub.size});
  const crdt::CellName before{ask.map, ask.argument, sub};
  if (name < before || (ask.after && name == before)) line_.fail_corrupt("cells that are not in order");
  set(ask.map, name.map);
  set(ask.argument, name.key);
  ask.sub.size = static_cast<pb_size_t>(name.sub.size());
  copy(as_bytes(name.sub), ask.sub.bytes);
  ask.after = true;
}

void Device::each_cell(const std::string& map, const std::string& from, const char* topic,
                       const std::function<bool(const Op&)>& visit) {
  grid_InspectAsk ask = ask_for(topic);
  set(ask.map, map);
  set(ask.argument, from);
  bool is_enough = false;
  each_page(
      ask,
      [&](const Op& op, grid_InspectAsk& next) {
        if (op.cell.name.map != map) line_.fail_corrupt("a cell of another map");
        place_behind(op.cell.name, next);
        is_enough = is_enough || !visit(op);
      },
      [&] { return is_enough; });
}

crdt::Digest Device::digest() {
  crdt::Digest digest;
  each_page(ask_for("digest"), [&](const Op& op, grid_InspectAsk& next) {
    const Value sums(op.cell.value);
    digest.add({static_cast<std::uint64_t>(sums["sum"].integer_or(0)),
                static_cast<std::uint64_t>(sums["cells"].integer_or(0))});
    // A last page that had nothing left to look at stands where the one before it ended.
    const std::string_view sub = as_text({next.sub.bytes, next.sub.size});
    const bool stands =
        sums["cells"].integer_or(0) == 0 && op.cell.name == crdt::CellName{next.map, next.argument, sub};
    if (!stands && !op.cell.name.key.empty()) place_behind(op.cell.name, next);
  });
  return digest;
}

Exit finish(const Device& device) {
  if (device.unseen().empty()) return Exit::ok;
  throw Failure(Exit::partial, "too large for the device to send: " + json_text(device.unseen().front()) +
                                   (device.unseen().size() == 1 ? "" : " and others"));
}

// Its fields as status of a replica has them, then whatever else the device tells of itself.
constexpr std::array kFirst{"app",    "software", "protocol", "node",  "state",           "ops_pending", "head",
                            "shared", "applied",  "durable",  "clock", "clock_offset_ms", "wall_ms"};

void add_field(Report& report, std::string_view name, const Value& value) {
  const bool is_id = name == "node" || name == "epoch";
  if (is_id && value.kind() == ValueKind::integer) {
    report.text(name, hex(static_cast<std::uint64_t>(value.integer_or(0))));
  } else {
    report.value(name, value);
  }
}

}  // namespace

Exit line_status(const Context& context) {
  Device device(context);
  const crdt::Digest digest = device.digest();
  Report report;
  for (const char* name : kFirst) {
    if (const Value value = device.about()[name]; value.exists()) add_field(report, name, value);
    if (std::string_view(name) == "state") report.count("cells", digest.count).text("root", hex(digest.sum));
  }
  for (Value::Walk walk(device.about()); walk.next();) {
    if (std::find(kFirst.begin(), kFirst.end(), walk.name()) == kFirst.end()) {
      add_field(report, walk.name(), walk.value());
    }
  }
  report.print(context.format);
  return Exit::ok;
}

Exit line_clock(const Context& context) {
  const Device device(context);
  Report report;
  report.value("quality", device.about()["clock"]).value("offset_ms", device.about()["clock_offset_ms"]);
  report.value("wall_ms", device.about()["wall_ms"]).print(context.format);
  return Exit::ok;
}

Exit line_ls(const Context& context, const ListOptions& options) {
  check_map(options.map);
  check_prefix(options.prefix);
  Device device(context);
  RowPrinter printer(context.format);
  device.each_cell(options.map, options.prefix, "ls", [&](const Op& op) {
    if (!op.cell.name.key.starts_with(options.prefix)) return false;
    if (op.cell.name.sub.empty() && !op.cell.is_tombstone()) printer.row(op.cell.name.key, Value(op.cell.value));
    return true;
  });
  printer.finish();
  return finish(device);
}

Exit line_get(const Context& context, const KeyOptions& options) {
  check_map(options.map);
  check_key(options.key);
  Device device(context);
  std::vector<std::uint8_t> value;
  device.each_cell(options.map, options.key, "get", [&](const Op& op) {
    if (op.cell.name.key == options.key && op.cell.name.sub.empty()) {
      value.assign(op.cell.value.begin(), op.cell.value.end());
    }
    return false;
  });
  finish(device);
  return print_value(context, options, Value(value));
}

Exit line_oplog(const Context& context) {
  Device device(context);
  const std::uint64_t shared = static_cast<std::uint64_t>(device.about()["shared"].integer_or(0));
  std::vector<Report> reports;
  device.each_page(ask_for("oplog"), [&](const Op& op, grid_InspectAsk& next) {
    if (op.seq <= next.seq) device.line().fail_corrupt("ops that are not in order");
    next.seq = op.seq;
    if (op.cell.name.key.empty()) return;  // Only how far it has looked.
    if (crdt::check_name(op.cell.name) != Status::ok) device.line().fail_corrupt("an op whose name breaks a rule");
    Report report;
    report.count("seq", op.seq).text("state", op.seq <= shared ? "sent" : "waiting");
    report.text("map", op.cell.name.map).text("key", op.cell.name.key).value("value", Value(op.cell.value));
    report.text("stamp", stamp_text(op.cell.stamp)).text("clock", crdt::name_of(op.quality));
    reports.push_back(std::move(report));
  });
  print_all(reports, context.format);
  return finish(device);
}

void refuse_on_line(const std::string& verb) {
  throw Failure(Exit::usage,
                "a device on a line is looked into, not worked on: there are status, ls, get, oplog and "
                "clock, and no " +
                    verb + "; write through its server");
}

}  // namespace grid::cli
