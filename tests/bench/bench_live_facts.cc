// SPDX-License-Identifier: Apache-2.0
//
// Live Datalog: what a changed fact costs until the live questions that look at it have told what became of their
// answers, beside asking the same questions anew. 100,000 facts: 20,000 people with a name, an age, a city, a boss and
// a friend.

#include <cstdlib>
#include <memory>
#include <random>

#include "crdt/facts.h"
#include "crdt/value.h"
#include "runtime/query/live_facts.h"
#include "storage/memory/memory_store.h"
#include "tests/bench/figures.h"

namespace {

using namespace grid;

constexpr int kRuns = 5;
constexpr std::size_t kPeople = 20'000;
constexpr std::size_t kChanges = 50;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_live_facts: %s\n", what);
  std::exit(1);
}

class People {
 public:
  People() {
    for (std::size_t i = 0; i < kPeople; ++i) {
      set(i, "name", [i](crdt::ValueWriter& to) { to.text("name " + std::to_string(i)); });
      age(i, i * 7 % 90);
      set(i, "city", [i](crdt::ValueWriter& to) { to.text("city " + std::to_string(i % 100)); });
      set(i, "boss", [i](crdt::ValueWriter& to) { to.ref(std::to_string(i / 10)); });
      set(i, "friend", [i](crdt::ValueWriter& to) { to.ref(std::to_string(i * 31 % kPeople)); });
    }
  }
  void age(std::size_t person, std::size_t years) {
    set(person, "age", [years](crdt::ValueWriter& to) { to.integer(static_cast<std::int64_t>(years)); });
  }
  std::unique_ptr<runtime::FactQuestion> question(const std::string& text) {
    std::string problem;
    auto read = runtime::FactQuestion::read(text, {}, problem);
    must(read != nullptr, problem.c_str());
    return read;
  }

  storage::MemoryStore store;
  runtime::FactEngine engine{store};

 private:
  template <typename Write>
  void set(std::size_t person, std::string_view predicate, Write write) {
    std::uint8_t sub[crdt::FactName::kBytesMax], room[64];
    crdt::ValueWriter writer(room);
    write(writer);
    const std::string key = std::to_string(person);
    const crdt::CellName name{"m", key, *crdt::FactName::write(predicate, false, {}, sub)};
    must(store.append({.cell = {name, crdt::Stamp::of(++time_, 0, 1), 0, *writer.finish()}}).ok(), "no room");
  }

  std::uint64_t time_ = 0;
};

// `count` live questions, whose texts `text_of` says by number; changes of ages, each told to all.
template <typename TextOf>
void measure(bench::Figures& figures, const std::string& name, std::size_t count, TextOf text_of) {
  People people;
  std::vector<std::unique_ptr<runtime::LiveFacts>> lives;
  std::vector<std::unique_ptr<runtime::FactQuestion>> asked;
  for (std::size_t i = 0; i < count; ++i) {
    lives.push_back(std::make_unique<runtime::LiveFacts>(people.engine, "m", people.question(text_of(i)), 256u << 20));
    asked.push_back(people.question(text_of(i)));
  }
  const auto tell = [&] {
    for (const auto& live : lives) {
      must(live->advance({[](void*, bool, std::span<const crdt::Value>) {}, nullptr}) == Status::ok, "one ended");
    }
  };
  tell();
  std::mt19937_64 random(7);
  std::vector<double> live_us, anew_us;
  for (int run = 0; run < kRuns; ++run) {
    double begin = bench::seconds();
    for (std::size_t i = 0; i < kChanges; ++i) {
      people.age(random() % kPeople, random() % 90);
      tell();
    }
    live_us.push_back((bench::seconds() - begin) * 1e6 / kChanges);
    std::size_t shown = 0, found = 0;
    for (const auto& live : lives) shown += live->row_count();
    begin = bench::seconds();
    for (const auto& question : asked) {
      must(people.engine.ask("m", *question,
                             {[](void* at, std::span<const crdt::Value>) { ++*static_cast<std::size_t*>(at); },
                              &found}) == Status::ok,
           "a question has no answer");
    }
    anew_us.push_back((bench::seconds() - begin) * 1e6);
    must(shown == found, "the live answers differ from those that are asked anew");
  }
  figures.ratio(name, "us", live_us, "asked anew", anew_us, 0);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  measure(figures, "a change, 1 join of 20,000 rows", 1, [](std::size_t) {
    return std::string("[:find ?n ?a ?b :where [?e :name ?n] [?e :age ?a] [?e :boss ?x] [?x :name ?b]]");
  });
  measure(figures, "a change, 1,000 joins of a person's friends", 1'000, [](std::size_t i) {
    return "[:find ?n ?a :where [" + std::to_string(i) + " :friend ?f] [?f :name ?n] [?f :age ?a]]";
  });
  measure(figures, "a change, 100 sums by city", 100, [](std::size_t i) {
    return "[:find (avg ?a) . :where [?e :city \"city " + std::to_string(i) + "\"] [?e :age ?a]]";
  });
  measure(figures, "a change, 1,000 questions about other facts", 1'000,
          [](std::size_t i) { return "[:find ?n :where [?e :boss " + std::to_string(i) + "] [?e :name ?n]]"; });
  return figures.finish();
}
