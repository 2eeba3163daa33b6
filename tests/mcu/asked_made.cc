// SPDX-License-Identifier: Apache-2.0
//
// The questions of asking.h, put together in C++.

#include "crdt/datalog/query_maker.h"
#include "tests/mcu/asking.h"

namespace grid::mcu {

using namespace datalog;

namespace {

constexpr PullItem kWarden[] = {pulled("valley/warden")};
constexpr Pull kValley{.items = kWarden};
constexpr PullItem kHut[] = {pulled("hut/name"), pulled("hut/tag"), pulled("hut/valley", &kValley)};
constexpr Pull kPull{.items = kHut};

constexpr Var h{"?h"}, n{"?n"}, b{"?b"}, v{"?v"}, w{"?w"}, from{"?from"}, to{"?to"}, by{"?by"};

}  // namespace

Result<datalog::Query> question(Asked asked, Arena& arena) {
  QueryMaker ask(arena);
  switch (asked) {
    case Asked::join:
      ask.find(n).find(w).where(h, "hut/name", n).where(h, "hut/valley", v).where(v, "valley/warden", w);
      ask.order_by(w);
      break;
    case Asked::range:
      ask.find(b).find(n).where(h, "hut/beds", b).where(h, "hut/name", n);
      ask.test(Call::at_least, {b, 20}).test(Call::less, {b, 40}).order_by(n, true).limit(3);
      break;
    case Asked::aggregate:
      ask.find(v).find(Aggregate::count, h).find(Aggregate::sum, b).find(Aggregate::average, b);
      ask.find(Aggregate::least, b).where(h, "hut/valley", v).where(h, "hut/beds", b);
      break;
    case Asked::recursion:
      ask.in(from).find(n).rule("path", {from, to}).where(to, "hut/name", n);
      ask.begin_rule("path", {from, to}).where(from, "hut/next", to).end();
      ask.begin_rule("path", {from, to}).where(from, "hut/next", by).rule("path", {by, to}).end();
      break;
    case Asked::pull:
      ask.pull(h, kPull).where(h, "hut/beds", b).test(Call::greater, {b, 20}).test(Call::at_most, {b, 30});
      break;
    case Asked::negation:
      ask.find(n).where(h, "hut/name", n).begin_not({h}).where(h, "hut/tag").end();
      break;
    case Asked::branches:
      ask.find(n).find(w).where(h, "hut/name", n).let(w, Call::concatenate, {"hut ", n});
      ask.begin_or({h}).where(h, "hut/beds", 6).begin_and().where(h, "hut/height", b);
      ask.test(Call::greater, {b, 2'500.25}).end().end();
      break;
    case Asked::beyond:
      ask.find(h).find(n).find(b).find(w).where(h, "hut/beds").where(n, "hut/beds").where(b, "hut/beds");
      ask.where(w, "hut/beds");
      break;
  }
  return ask.make();
}

}  // namespace grid::mcu
