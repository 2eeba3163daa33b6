// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/refusals.h"

#include "runtime/facts.h"

namespace grid::sim {

namespace {

constexpr std::string_view kPrefix = "dead/";
constexpr std::size_t kWithAt = 26;

}  // namespace

// Behind outcome, reason, stamp and expiry a letter says whose place was taken, if one's was.
std::map<crdt::Seq, crdt::Seq> Refusals::letters_of(const Site& device) {
  std::map<crdt::Seq, crdt::Seq> letters;
  std::string last;
  for (auto fact = device.store->next_fact(kPrefix, last); fact.ok(); fact = device.store->next_fact(kPrefix, last)) {
    last = fact->name;
    const crdt::Seq id = std::stoull(last.substr(kPrefix.size(), 16), nullptr, 16);
    const crdt::Seq with = fact->bytes.size() < kWithAt + 8 ? 0 : load_be(fact->bytes.data() + kWithAt);
    letters.emplace(id, with != 0 ? with : id);
  }
  return letters;
}

std::uint64_t Refusals::unkept_of(const Site& device) {
  const Result<std::uint64_t> unkept = runtime::number_fact(*device.store, "dead-unkept");
  return unkept.ok() ? *unkept : 0;
}

const char* Refusals::told(const Site& device, crdt::Seq seq) {
  Known& known = of_[&device];
  known.untold.erase(seq);
  if (world_.options().letters == 0 || device.disk->failed()) return nullptr;
  const auto letters = letters_of(device);
  const auto letter = letters.find(seq);
  if (letter != letters.end()) {
    known.letters.insert(*letter);
    return nullptr;
  }
  // A batch that is full has no room for the count either.
  const bool is_small = world_.options().batch_bytes_max < World::Options().batch_bytes_max;
  if (is_small) return nullptr;
  if (unkept_of(device) <= known.unkept++) return "%s lets a letter go without counting it";
  return letters.size() < world_.options().letters ? "%s has room for a letter that it did not keep" : nullptr;
}

const char* Refusals::forgot(const Site& device, Fault why) {
  Known& known = of_[&device];
  known.untold.clear();
  known.unkept = unkept_of(device);
  const auto there = letters_of(device);
  // A letter goes with the commit that takes its op back: without one, the op is pending as it was.
  bool is_lost = false;
  for (const auto& [id, about] : known.letters) {
    is_lost = is_lost || (!there.contains(id) && about <= device.store->settled());
  }
  known.letters = there;
  return is_lost && why == Fault::crash ? "%s has lost a letter in a power cut, and not what it was about" : nullptr;
}

const char* Refusals::rest(const Site& device) {
  const Known& known = of_[&device];
  if (!known.untold.empty()) return "%s did not tell its application of a refusal";
  if (world_.options().letters == 0) return nullptr;
  const auto letters = letters_of(device);
  if (letters.size() > world_.options().letters) return "%s has more letters than it may";
  return letters == known.letters ? nullptr : "%s has other letters than it was told of";
}

}  // namespace grid::sim
