// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/facts.h"

#include <algorithm>

#include "runtime/edits.h"
#include "runtime/scan.h"
#include "tests/sim/attributes.h"
#include "tests/sim/questions.h"

namespace grid::sim {

using runtime::FactWrite;
using runtime::ScopeKind;
using Verb = FactWrite::Verb;

namespace {

// Some have attributes in common, so that a fact may be needed twice.
constexpr const char* kLists[] = {"one\nto", "many", "many\nto", "to", "brief\none", "many\none\nto"};
constexpr std::uint64_t kOneInDies = 41;

}  // namespace

// What expires lies under a predicate of its own: questions know of no expiry.
void Facts::write(const Step& step, Site& site, const char* map, std::string_view named) {
  const std::string key = draws_ids_ ? entity_of(site, map, step.choice / 11) : std::string(named);
  const std::uint64_t dice = step.choice / 97;
  const std::string value = Values::small_number(dice / 16 % 5), more = Values::small_number(1 + dice / 16 % 5);
  const std::string hot = "hot/" + std::to_string(dice / 80 % std::min(plan_.keys, 12u));
  const std::string to = Values::ref(draws_ids_ ? entity_of(site, map, dice / 80) : hot);
  const FactWrite set{key, Verb::set, "one", as_bytes(value)};
  const FactWrite brief{key, Verb::set, "brief", as_bytes(value), 1 + dice % 20'000};
  const FactWrite add{key, Verb::add, "many", as_bytes(value)}, add_more{key, Verb::add, "many", as_bytes(more)};
  const FactWrite remove{key, Verb::remove, "many", as_bytes(value)};
  const FactWrite point{key, Verb::add, "to", as_bytes(to)}, unpoint{key, Verb::remove, "to", as_bytes(to)};
  const FactWrite kinds[][3] = {{set},   {add},     {remove}, {set, add, add_more}, {set, remove, add_more},
                                {point}, {unpoint}, {brief},  {set, add, point}};
  const FactWrite bury[] = {{key, Verb::delete_entity}};
  const auto& kind = kinds[dice % std::size(kinds)];
  std::size_t count = 1;
  while (count < std::size(kind) && !kind[count].entity.empty()) ++count;
  runtime::Call call{.verb = runtime::Call::Verb::edit, .scope = {ScopeKind::map, map, {}}};
  call.edit = runtime::write_facts;
  call.facts = {kind, count};
  const bool dies = step.choice % kOneInDies == 0;
  if (dies) call.facts = bury;
  const Status status = world_.call(site, call);
  world_.tell("%s %s %s/%s #%llu: %s", site.name.c_str(), dies ? "deletes" : "writes facts of", map, key.c_str(),
              static_cast<unsigned long long>(call.seq), grid::name_of(status));
}

// An entity of which it holds something, or a new one. Nobody has an id of what was deleted and forgotten.
std::string Facts::entity_of(Site& site, const char* map, std::uint64_t number) {
  std::vector<std::string> held;
  for (runtime::Scan scan({ScopeKind::map, map, {}});;) {
    const Result<crdt::Op> op = scan.next(*site.store);
    if (!op.ok()) break;
    const bool is_fact = !attribute_in(op->cell.name.sub).empty() && op->cell.is_live(UINT64_MAX);
    if (is_fact && (held.empty() || held.back() != op->cell.name.key)) held.emplace_back(op->cell.name.key);
  }
  if (held.empty() || number % 8 == 0) return "drawn/" + std::to_string(++drawn_);
  return held[number / 8 % held.size()];
}

void Facts::join(Site& device, std::size_t index) {
  const bool watched = index % 8 == 1 || index % 8 == 7;
  switch (index % 4) {
    case 1:
      world_.subscribe(device, {ScopeKind::facts, "m", kLists[0]}, watched);
      break;
    case 2:
      world_.subscribe(device, {ScopeKind::facts, "m", kLists[1]});
      world_.subscribe(device, {ScopeKind::facts, "m", kLists[2]});
      world_.subscribe(device, {ScopeKind::key, "n", "hot/2"});
      break;
    case 3:
      subscribe(device, "m", plan_.options.seed, false);
      world_.subscribe(device, {ScopeKind::facts, "n", kLists[5]}, watched);
      break;
    default:
      world_.subscribe(device);
      break;
  }
  world_.online(device);
}

void Facts::subscribe(Site& device, const char* map, std::uint64_t number, bool watched) {
  const bool is_listed = number % 2 == 0;
  number /= 2;
  if (is_listed) return world_.subscribe(device, {ScopeKind::facts, map, kLists[number % std::size(kLists)]}, watched);
  const auto question = read(kQuestions[number % std::size(kQuestions)]);
  std::string text;
  world_.subscribe(device, question->attributes().scope(map, text), watched);
}

}  // namespace grid::sim
