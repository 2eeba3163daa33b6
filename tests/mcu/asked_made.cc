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

constexpr Var kH{"?h"}, kN{"?n"}, kB{"?b"}, kV{"?v"}, kW{"?w"}, kFrom{"?from"}, kTo{"?to"}, kBy{"?by"};

}  // namespace

Result<datalog::Query> question(Asked asked, Arena& arena) {
  QueryMaker ask(arena);
  switch (asked) {
    case Asked::join:
      ask.find(kN).find(kW).where(kH, "hut/name", kN).where(kH, "hut/valley", kV).where(kV, "valley/warden", kW);
      ask.order_by(kW);
      break;
    case Asked::range:
      ask.find(kB).find(kN).where(kH, "hut/beds", kB).where(kH, "hut/name", kN);
      ask.test(Call::at_least, {kB, 20}).test(Call::less, {kB, 40}).order_by(kN, true).limit(3);
      break;
    case Asked::aggregate:
      ask.find(kV).find(Aggregate::count, kH).find(Aggregate::sum, kB).find(Aggregate::average, kB);
      ask.find(Aggregate::least, kB).where(kH, "hut/valley", kV).where(kH, "hut/beds", kB);
      break;
    case Asked::recursion:
      ask.in(kFrom).find(kN).rule("path", {kFrom, kTo}).where(kTo, "hut/name", kN);
      ask.begin_rule("path", {kFrom, kTo}).where(kFrom, "hut/next", kTo).end();
      ask.begin_rule("path", {kFrom, kTo}).where(kFrom, "hut/next", kBy).rule("path", {kBy, kTo}).end();
      break;
    case Asked::pull:
      ask.pull(kH, kPull).where(kH, "hut/beds", kB).test(Call::greater, {kB, 20}).test(Call::at_most, {kB, 30});
      break;
    case Asked::negation:
      ask.find(kN).where(kH, "hut/name", kN).begin_not({kH}).where(kH, "hut/tag").end();
      break;
    case Asked::branches:
      ask.find(kN).find(kW).where(kH, "hut/name", kN).let(kW, Call::concatenate, {"hut ", kN});
      ask.begin_or({kH}).where(kH, "hut/beds", 6).begin_and().where(kH, "hut/height", kB);
      ask.test(Call::greater, {kB, 2'500.25}).end().end();
      break;
    case Asked::beyond:
      ask.find(kH).find(kN).find(kB).find(kW).where(kH, "hut/beds").where(kN, "hut/beds").where(kB, "hut/beds");
      ask.where(kW, "hut/beds");
      break;
  }
  return ask.make();
}

}  // namespace grid::mcu
