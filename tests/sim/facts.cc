// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/facts.h"

#include <algorithm>
#include <set>

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

std::string hot_key(const Plan& plan, std::uint64_t number) {
  return "hot/" + std::to_string(number % std::min(plan.keys, 12u));
}

}  // namespace

// What expires lies under a predicate of its own.
void Facts::write(const Step& step, Site& site, const char* map, std::string_view named) {
  const std::string key = draws_ids_ ? entity_of(site, map, step.choice / 11) : std::string(named);
  const std::uint64_t dice = step.choice / 97;
  const std::string value = Values::small_number(dice / 16 % 5), more = Values::small_number(1 + dice / 16 % 5);
  const std::string hot = hot_key(plan_, dice / 80);
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

// Whatever has become of it: it may be deleted, or be none yet.
std::string Facts::any_entity(std::uint64_t number) const {
  return draws_ids_ ? "drawn/" + std::to_string(1 + number % (drawn_ + 2)) : hot_key(plan_, number);
}

void Facts::join(Site& device, std::size_t index) {
  if (plan_.options.entities) join_entities(device, index);
  const bool watched = index % 8 == 1 || index % 8 == 7;
  switch (index % 4) {
    case 1:
      world_.subscribe(device, {ScopeKind::facts, "m", kLists[0]}, watched);
      break;
    case 2:
      for (const char* list : {kLists[1], kLists[2]}) {
        if (!plan_.options.entities) world_.subscribe(device, {ScopeKind::facts, "m", list});
      }
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

// One device in four has attributes besides, and one has nothing else of the map.
void Facts::join_entities(Site& device, std::size_t index) {
  if (index % 4 == 0) return;
  world_.subscribe(device, {ScopeKind::entity, index % 4 == 3 ? "n" : "m", any_entity(index)}, index % 8 == 5);
  world_.subscribe(device, {ScopeKind::entity, "m", any_entity(index + 1)});
}

// The new ones come first, as FactPull has it: what both need stays.
void Facts::move(Site& device, const char* map, std::uint64_t number, bool watched) {
  std::set<std::string> wanted;
  const bool stays = number % 4 == 0;
  for (std::uint64_t rest = number / 4, count = rest % 6; count > 0; --count, rest /= 7) {
    wanted.insert(any_entity(rest / 6));
  }
  const std::vector<ScopeText> held = device.scopes;
  const auto is_held = [&](const std::string& key) {
    return std::any_of(held.begin(), held.end(), [&](const ScopeText& scope) {
      return scope.kind == ScopeKind::entity && scope.map == map && scope.text == key;
    });
  };
  for (const std::string& key : wanted) {
    if (number / 4 % 8 == 0 || !is_held(key)) world_.subscribe(device, {ScopeKind::entity, map, key}, watched);
  }
  for (std::size_t i = held.size(); !stays && i-- > 0;) {
    const ScopeText& scope = held[i];
    if (scope.kind == ScopeKind::entity && scope.map == map && !wanted.contains(scope.text))
      world_.unsubscribe(device, i);
  }
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
