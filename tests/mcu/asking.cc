// SPDX-License-Identifier: Apache-2.0

#include "tests/mcu/asking.h"

#include <charconv>

#include "runtime/grid/facts.h"

namespace grid::mcu {
namespace {

using crdt::ValueKind;
using datalog::Query;

constexpr std::string_view kMap = "huts";
constexpr std::uint64_t kSteps = 20'000;

struct Hut {
  const char *id, *name;
  int beds;
  double height;
  const char *valley, *next;
};
// Paths lead round in a circle from 1 to 4, and from 5 on to 8.
constexpr Hut kHuts[] = {
    {"1", "Anna", 12, 1'801.5, "north", "2"},   {"2", "Berg", 24, 2'004.25, "north", "3"},
    {"3", "Carl", 30, 1'650, "south", "4"},     {"4", "Dora", 6, 2'310.75, "south", "1"},
    {"5", "Emil", 40, 1'999, "south", "6"},     {"6", "Fels", 18, 2'500.5, "north", "7"},
    {"7", "Grat", 33, 1'420.125, "south", "8"}, {"8", "Horn", 20, 2'750, "north", nullptr},
};

// An answer as text: a line a row, its values with commas.
class Lines {
 public:
  explicit Lines(std::span<char> room) : room_(room) {}

  void add(std::span<const Value> row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) put(",");
      put_value(row[i]);
    }
    put(";");
  }
  std::string_view text() const { return {room_.data(), size_}; }

 private:
  struct Open {
    Value::Walk walk{Value()};
    bool is_record = false;
    bool is_first = true;
  };

  void put(std::string_view text) { size_ += text.copy(room_.data() + size_, room_.size() - size_); }
  void put_scalar(const Value& value) {
    char digits[24];
    const bool is_number = value.kind() == ValueKind::number;
    // Of a number thousandths.
    const auto whole = is_number ? static_cast<std::int64_t>(value.number_or(0) * 1'000) : value.integer_or(0);
    if (value.kind() == ValueKind::text) return put(value.text_or({}));
    if (value.kind() == ValueKind::null) return put("nil");
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), whole);
    put({digits, static_cast<std::size_t>(end - digits)});
    if (is_number) put("/1000");
  }
  bool enter(const Value& value) {
    const bool is_record = value.kind() == ValueKind::record;
    if (!is_record && value.kind() != ValueKind::list) return false;
    open_[depth_++] = {Value::Walk(value), is_record};
    put(is_record ? "{" : "[");
    return true;
  }
  void put_value(const Value& value) {
    if (!enter(value)) return put_scalar(value);
    while (depth_ > 0) {
      Open& top = open_[depth_ - 1];
      if (!top.walk.next()) {
        put(top.is_record ? "}" : "]");
        --depth_;
        continue;
      }
      if (!top.is_first) put(" ");
      top.is_first = false;
      if (top.is_record) put(top.walk.name()), put(" ");
      const Value inside = top.walk.value();
      if (!enter(inside)) put_scalar(inside);
    }
  }

  std::span<char> room_;
  std::size_t size_ = 0;
  std::size_t depth_ = 0;
  Open open_[kValueDepthMax];
};

class Story {
 public:
  Story(Node& node, MutBytes memory, MutBytes room, Asking& asking)
      : node_(node), facts_(node, kMap), memory_(memory), room_(room), asking_(asking) {}

  void run() {
    write();
    answer_all();
    refuse_what_is_beyond();
    shrink();
    change();
  }

 private:
  bool is_told() const { return asking_.failed != nullptr; }
  void fail(const char* what, std::string_view came) {
    if (is_told()) return;
    asking_.failed = what;
    asking_.came[came.copy(asking_.came, sizeof(asking_.came) - 1)] = '\0';
  }
  void expect(bool is_so, const char* what) {
    if (!is_so) fail(what, node_.driver().problem());
  }

  Value ref(const char* key) {
    ValueWriter writer(own_);
    writer.ref(key);
    return Value(*writer.finish());
  }

  void write() {
    for (const Hut& hut : kHuts) {
      expect(facts_.set(hut.id, "hut/name", hut.name).status() == Status::ok, "a name is written");
      expect(facts_.set(hut.id, "hut/beds", hut.beds).status() == Status::ok, "beds are written");
      expect(facts_.set(hut.id, "hut/height", hut.height).status() == Status::ok, "a height is written");
      expect(facts_.set(hut.id, "hut/valley", ref(hut.valley)).status() == Status::ok, "a valley is written");
      if (hut.next != nullptr)
        expect(facts_.set(hut.id, "hut/next", ref(hut.next)).status() == Status::ok, "a path is written");
    }
    for (const char* tag : {"sauna", "dogs", "wood stove"})
      expect(facts_.add("3", "hut/tag", tag).status() == Status::ok, "a tag is written");
    expect(facts_.add("8", "hut/tag", "dogs").status() == Status::ok, "a tag is written");
    expect(facts_.set("north", "valley/warden", "Nora").status() == Status::ok, "a warden is written");
    expect(facts_.set("south", "valley/warden", "Sam").status() == Status::ok, "a warden is written");
  }

  Status ask(Asked asked, MutBytes memory, std::uint64_t steps, std::span<const Value> inputs, Lines& lines,
             std::string_view& problem) {
    Arena arena(room_);
    const Result<Query> query = question(asked, arena);
    if (!query.ok()) return problem = name_of(query.status()), query.status();
    SmallDatalog about(node_, kMap, memory, steps);
    const Status status = about.ask(*query, inputs, [&](std::span<const Value> row) { lines.add(row); });
    problem = as_kept(about.problem());
    if (status == Status::ok && about.bytes() > asking_.memory) asking_.memory = about.bytes();
    if (arena.used() > asking_.query) asking_.query = arena.used();
    if (about.steps() > asking_.steps) asking_.steps = about.steps();
    return status;
  }
  std::string_view as_kept(std::string_view text) {
    return {asking_.kept, text.copy(asking_.kept, sizeof(asking_.kept))};
  }

  void expect_rows(const char* what, Asked asked, std::string_view wanted, std::span<const Value> inputs = {}) {
    Lines lines(asking_.text);
    std::string_view problem;
    const Status status = ask(asked, memory_, kSteps, inputs, lines, problem);
    if (status != Status::ok) return fail(what, problem);
    if (lines.text() != wanted) fail(what, lines.text());
  }
  void expect_refused(const char* what, Asked asked, std::size_t bytes, std::uint64_t steps, Status wanted,
                      std::string_view sentence) {
    Lines lines(asking_.text);
    std::string_view problem;
    const Status status = ask(asked, memory_.first(bytes), steps, {}, lines, problem);
    if (status != wanted || problem != sentence) fail(what, problem);
  }

  static constexpr std::string_view kJoined =
      "Anna,Nora;Berg,Nora;Fels,Nora;Horn,Nora;Carl,Sam;Dora,Sam;Emil,Sam;Grat,Sam;";

  void answer_all() {
    ValueWriter writer(own_);
    writer.integer(2);
    const Value two(*writer.finish());
    expect_rows("a join", Asked::join, kJoined);
    expect_rows("a range", Asked::range, "20,Horn;33,Grat;30,Carl;");
    expect_rows("aggregates", Asked::aggregate, "north,4,74,18500/1000,12;south,4,109,27250/1000,6;");
    expect_rows("a recursive rule", Asked::recursion, "Anna;Berg;Carl;Dora;", {&two, 1});
    expect_rows("a negation", Asked::negation, "Anna;Berg;Dora;Emil;Fels;Grat;");
    if (kIsLean) return refuse_what_is_missing();
    expect_rows("a pull", Asked::pull,
                "{hut/name Berg hut/valley {valley/warden Nora}};"
                "{hut/name Carl hut/tag [dogs sauna wood stove] hut/valley {valley/warden Sam}};");
    expect_rows("branches", Asked::branches, "Dora,hut Dora;Fels,hut Fels;Horn,hut Horn;");
  }

  void refuse_what_is_missing() {
    expect_refused("no pull", Asked::pull, memory_.size(), kSteps, Status::invalid, "this device has no pull");
    expect_refused("no text", Asked::branches, memory_.size(), kSteps, Status::invalid,
                   "this device has no functions of texts and lists");
  }

  void refuse_what_is_beyond() {
    datalog::Problem memory;
    memory.say("limit: the query took more than ").say(memory_.size()).say(" bytes of memory");
    expect_refused("too many steps", Asked::join, memory_.size(), 9, Status::full,
                   "limit: the query took more than 9 steps");
    expect_refused("too much memory", Asked::beyond, memory_.size(), kSteps, Status::full, memory.sentence());
    expect_refused("too many facts", Asked::join, 1'024, kSteps, Status::full,
                   "limit: the facts of huts take more than 1024 bytes of memory");
    expect_rows("a join, again", Asked::join, kJoined);
  }

  // In whatever memory: the answer, or a limit.
  void shrink() {
    for (const Asked asked : {Asked::join, Asked::aggregate, Asked::pull, Asked::negation, Asked::branches}) {
      if (kIsLean && (asked == Asked::pull || asked == Asked::branches)) continue;
      std::size_t answered = 0, refused = 0;
      Lines whole(asking_.whole);
      std::string_view problem;
      expect(ask(asked, memory_, kSteps, {}, whole, problem) == Status::ok, "a question is answered twice");
      for (std::size_t bytes = memory_.size() - 8; bytes > 0 && !is_told(); bytes -= bytes > 264 ? 264 : bytes) {
        Lines lines(asking_.text);
        const Status status = ask(asked, memory_.first(bytes), kSteps, {}, lines, problem);
        status == Status::ok ? ++answered : ++refused;
        if (status == Status::ok && lines.text() != whole.text()) fail("in less memory the same", lines.text());
        if (status != Status::ok && (status != Status::full || !problem.starts_with("limit: ")))
          fail("in less memory a limit", problem);
      }
      expect(answered > 0 && refused > 0, "memory that suffices, and that does not");
    }
  }

  void change() {
    expect(facts_.delete_entity("3").status() == Status::ok, "a hut is deleted");
    expect(facts_.set("1", "hut/beds", 22).status() == Status::ok, "beds are changed");
    expect_rows("a range of what has changed", Asked::range, "20,Horn;33,Grat;24,Berg;");
  }

  Node& node_;
  Facts facts_;
  MutBytes memory_, room_;
  Asking& asking_;
  std::uint8_t own_[24];
};

}  // namespace

void tell(Node& node, MutBytes memory, MutBytes room, Asking& asking) { Story(node, memory, room, asking).run(); }

}  // namespace grid::mcu
