// SPDX-License-Identifier: Apache-2.0
//
// Engine: finds all rows of a query's head, by goals that ask each other.
//
// Place     Inside evaluate.h. Knows the program, its plans and the index.
//
// A goal is a predicate with some of its arguments given: for what it is asked (its demand) it finds rows (its
// answers). What is asked and what is found only grows, each once; a body works on what is new of either. Rows that
// wait for the answers of another goal lie at a site; what a `not` keeps waits until everything of a lower level is
// still. So recursion that is seeded looks at what can be reached from its seeds, and ends when nothing is new.
#pragma once

#include "crdt/datalog/functions.h"
#include "crdt/datalog/plan.h"

namespace grid::datalog {

struct Wanted;

struct Goal {
  Goal(Region& region, std::size_t demand_width, std::size_t arity, std::span<const Column> given)
      : demand(region, demand_width), answers(region, arity), found(region, given) {}

  std::uint16_t predicate = 0;
  std::uint16_t level = 0;
  std::uint64_t bound = 0;
  bool is_tail = false;
  std::span<Plan> plans{};  // One for each body.
  std::uint32_t taken = 0;  // Of the demand.
  RowSet demand;
  RowSet answers;
  RowIndex found;  // The answers, by what was asked.
};

// Where a body calls.
struct Site {
  Site(Region& region, std::size_t width, std::span<const Column> columns)
      : waiting(region, width), by_argument(region, columns) {}

  std::uint32_t goal = 0;  // Whose body it is in,
  std::size_t body = 0;
  std::size_t stage = 0;
  std::uint32_t callee = 0;
  bool is_negation = false;
  std::span<const Operand> arguments{};          // Those that are given.
  std::span<const Column> argument_positions{};  // Of the callee's arguments.
  Rows waiting;                                  // Rows that came so far.
  RowIndex by_argument;                          // By those of the arguments that are columns.
  std::uint32_t seen = 0;                        // Answers that have been joined with all rows.
};

class Engine {
 public:
  Engine(const Index& index, Region& region, Meter& meter, Problem& problem)
      : index_(index),
        region_(region),
        meter_(meter),
        problem_(problem),
        words_(index.symbols(), region),
        program_(region),
        planner_(program_, index, words_, region),
        functions_(index, words_),
        goals_(region),
        sites_(region),
        inputs_(region),
        input_rows_(region) {}

  // The rows of the head: scalars, then what is found.
  Status run(const Query& query, std::span<const Value> inputs);

  const Rows& answers() const { return goals_[0]->answers.rows(); }
  Words& words() { return words_; }
  Functions& functions() { return functions_; }
  const Program& program() const { return program_; }
  const Index& index() const { return index_; }
  Region& region() { return region_; }
  Meter& meter() { return meter_; }
  Problem& problem() { return problem_; }
  // By what a stage finds its rows.
  std::string_view way_of(const Stage& stage) const;
  std::span<Goal* const> goals() const { return {goals_.data(), goals_.size()}; }

 private:
  // inputs.cc
  Status take_inputs(std::span<const Value> inputs);
  Status take_scalars(std::span<const Value> inputs, bool& is_possible);
  Status take_rows(std::size_t predicate, const Value& input);
  Status unwind(std::span<const BindingNode> nodes, Rows& rows, std::size_t input);
  Status unwind_node(std::span<const BindingNode> nodes, std::size_t at, const Rows& from, Rows& to, std::size_t input);
  Status refuse_shape(std::size_t input, const BindingNode& node, std::string_view what);

  // engine.cc
  Result<std::uint32_t> goal_for(std::uint16_t predicate, std::uint64_t bound);
  Status plan_goal(Goal& goal, std::uint32_t number);
  Status plan_bodies(Goal& goal, bool& is_possible);
  Status add_sites(Goal& goal, std::uint32_t number);
  Status add_site(Goal& goal, std::uint32_t number, std::size_t body, std::size_t stage);
  Status work();
  struct Work {
    std::uint32_t urgency = UINT32_MAX;
    Goal* goal = nullptr;
    Site* site = nullptr;
  };
  Work find_work() const;
  Status answer_demand(Goal& goal);
  Status join_answers(Site& site);
  Status settle_negation(Site& site);
  Status run_from(Goal& goal, std::size_t body, std::size_t stage, Rows& rows);
  Status run_stage(Goal& goal, Stage& stage, const Rows& in, Rows& out);
  Status run_call(Stage& stage, const Rows& in, Rows& out);
  Status run_tail(Goal& goal, const Stage& stage, const Rows& in);
  Status ask(const Site& site, const Atom* row);
  Status join(const Site& site, const Atom* row, const Atom* answer, Rows& out);
  Status keep_answers(Goal& goal, const Plan& plan, const Rows& rows);
  Status drop_twins(Rows& rows);

  // stages.cc
  Status run_pattern(Stage& stage, const Rows& in, Rows& out);
  Status match_row(const Stage& stage, const Atom* row, Rows& out);
  bool wants(const Stage& stage, const Atom* row, Wanted& wanted) const;
  bool matches(const Stage& stage, const Atom* row, const Fact& fact, Atom* fresh) const;
  bool pays_to_hash(const Stage& stage, const Rows& in, std::size_t& by) const;
  Status run_hashed(Stage& stage, std::size_t by, const Rows& in, Rows& out);
  Status run_same(const Stage& stage, const Rows& in, Rows& out);
  Status run_test(const Stage& stage, const Rows& in, Rows& out);
  Status run_function(const Stage& stage, const Rows& in, Rows& out);
  Status bind(const Stage& stage, const Atom* row, Atom answer, Rows& out);
  Status bind_parts(const Stage& stage, const Atom* row, Atom answer, Rows& out);
  bool settle(const Operand& operand, const Atom* row, Atom atom, Atom* fresh) const;

  static Atom value_of(const Operand& operand, const Atom* row) {
    return operand.kind == Operand::Kind::column ? row[operand.column] : operand.atom;
  }
  Status put(const Stage& stage, const Atom* row, const Atom* fresh, Rows& out);
  const Stage& stage_of(const Site& site) const { return goals_[site.goal]->plans[site.body].stages[site.stage]; }

  template <typename T>
  Result<std::span<T>> make(std::size_t count) {
    if (count == 0) return std::span<T>();
    T* const slots = region_.take_many<T>(count);
    if (slots == nullptr) return Status::full;
    for (std::size_t i = 0; i < count; ++i) new (slots + i) T{};
    return std::span<T>(slots, count);
  }

  const Index& index_;
  Region& region_;
  Meter& meter_;
  Problem& problem_;
  Words words_;
  Program program_;
  Planner planner_;
  Functions functions_;
  Growing<Goal*> goals_;  // The first is the query's own.
  Growing<Site*> sites_;
  Growing<Rows*> inputs_;  // Of each predicate that is one.
  Growing<std::uint32_t> input_rows_;
};

}  // namespace grid::datalog
