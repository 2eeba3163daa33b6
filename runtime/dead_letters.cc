// SPDX-License-Identifier: Apache-2.0

#include "runtime/dead_letters.h"

#include <algorithm>
#include <cstring>

#include "crdt/base/check.h"
#include "runtime/call.h"
#include "runtime/edits.h"
#include "runtime/facts.h"
#include "runtime/oplog.h"

namespace grid::runtime {

namespace {

constexpr std::string_view kDead = "dead/";
constexpr std::string_view kWas = "was/";
constexpr std::string_view kUnkept = "dead-unkept";  // 8 bytes: letters that found no room
constexpr std::size_t kIdDigits = 16;

std::size_t put(MutBytes room, std::size_t at, std::string_view text) {
  copy(as_bytes(text), room.subspan(at));
  return at + text.size();
}

}  // namespace

// PREFIX + 16 digits of the id + "/" + 4 digits of the part.
class DeadLetters::Name {
 public:
  Name(std::string_view prefix, crdt::Seq id, std::size_t part) : Name(prefix, id) {
    text_[size_++] = '/';
    digits(part, 4);
  }
  Name(std::string_view prefix, crdt::Seq id) {
    for (const char c : prefix) text_[size_++] = c;
    digits(id, kIdDigits);
  }
  std::string_view view() const { return {text_, size_}; }

 private:
  void digits(std::uint64_t number, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) text_[size_++] = "0123456789abcdef"[(number >> (4 * (count - 1 - i))) & 15];
  }

  char text_[32];
  std::size_t size_ = 0;
};

namespace {

crdt::Seq id_of(std::string_view name, std::string_view prefix) {
  crdt::Seq id = 0;
  for (std::size_t at = prefix.size(); at < name.size() && at < prefix.size() + kIdDigits; ++at) {
    const char c = name[at];
    id = id << 4 | static_cast<crdt::Seq>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return id;
}

}  // namespace

DeadLetters::DeadLetters(MutBytes memory, const DeadLetterOptions& options) : memory_(memory), options_(options) {
  if (options_.part_bytes > storage::Store::kFactBytesMax) options_.part_bytes = storage::Store::kFactBytesMax;
  GRID_CHECK(options_.part_bytes > 0);
}

void DeadLetters::open(storage::Store& store) {
  store_ = &store;
  dead_ = tally(kDead);
  was_ = tally(kWas);
  const Result<std::uint64_t> unkept = number_fact(*store_, kUnkept);
  if (unkept.ok()) unkept_ = *unkept;
}

DeadLetters::Tally DeadLetters::tally(std::string_view prefix) {
  Tally kept;
  char last[32];
  std::size_t size = 0;
  for (crdt::Seq id = 0;;) {
    const auto fact = store_->next_fact(prefix, {last, size});
    if (!fact.ok()) return kept;
    if (kept.letters == 0 || id_of(fact->name, prefix) != id) ++kept.letters;
    id = id_of(fact->name, prefix);
    kept.bytes += fact->bytes.size();
    if (fact->name.size() > sizeof(last)) return kept;  // None that was ever written.
    size = fact->name.size();
    std::memcpy(last, fact->name.data(), size);
  }
}

void DeadLetters::miss() {
  ++unkept_;
  [[maybe_unused]] const Status status = set_number_fact(*store_, kUnkept, unkept_);  // Counted here at any rate.
}

// The store's views of the letter end with the first write: all of it is in the memory by then. 0: it does not fit.
std::size_t DeadLetters::encode(const Letter& letter) {
  const crdt::Cell& cell = letter.cell;
  const std::string_view sentence(letter.sentence.data(), std::min(letter.sentence.size(), kSentenceBytesMax));
  const crdt::CellName& name = cell.name;
  const std::size_t names = name.map.size() + name.key.size() + name.sub.size();
  if (kHeadBytes + names + sentence.size() + cell.value.size() > memory_.size()) return 0;
  std::uint8_t* head = memory_.data();
  head[0] = static_cast<std::uint8_t>(letter.outcome);
  head[1] = static_cast<std::uint8_t>(letter.reason);
  cell.stamp.write(head + 2);
  store_be(cell.expires_ms, head + 18);
  store_be(letter.with, head + 26);
  head[34] = static_cast<std::uint8_t>(name.map.size());
  head[35] = static_cast<std::uint8_t>(name.key.size() - 1);
  head[36] = static_cast<std::uint8_t>(name.sub.size());
  head[37] = static_cast<std::uint8_t>(sentence.size());
  store_le<4>(cell.value.size(), head + 38);
  std::size_t at = put(memory_, kHeadBytes, name.map);
  at = put(memory_, at, name.key);
  at = put(memory_, at, name.sub);
  at = put(memory_, at, sentence);
  return put(memory_, at, as_text(cell.value));
}

Result<Letter> DeadLetters::read(std::string_view prefix, crdt::Seq id) {
  std::size_t size = 0;
  for (std::size_t part = 0;; ++part) {
    const Result<Bytes> bytes = store_->fact(Name(prefix, id, part).view());
    if (bytes.status() == Status::not_found) break;
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() > memory_.size() - size) return Status::corrupt;
    size = put(memory_, size, as_text(*bytes));
  }
  if (size == 0) return Status::not_found;
  const std::uint8_t* head = memory_.data();
  const std::size_t sizes[] = {head[34], head[35] + std::size_t{1}, head[36], head[37],
                               static_cast<std::size_t>(load_le<4>(head + 38))};
  if (size < kHeadBytes || size != kHeadBytes + sizes[0] + sizes[1] + sizes[2] + sizes[3] + sizes[4]) {
    return Status::corrupt;
  }
  std::string_view texts[5];
  std::size_t at = kHeadBytes;
  for (std::size_t i = 0; i < 5; at += sizes[i], ++i) texts[i] = as_text(Bytes(memory_).subspan(at, sizes[i]));
  return Letter{
      .id = id,
      .cell = {{texts[0], texts[1], texts[2]}, crdt::Stamp::read(head + 2), load_be(head + 18), as_bytes(texts[4])},
      .outcome = Outcome{head[0]},
      .reason = Status{head[1]},
      .sentence = texts[3],
      .with = load_be(head + 26)};
}

// All of it or, where the store has no room, nothing.
Status DeadLetters::write(std::string_view prefix, crdt::Seq id, std::size_t size, Tally& kept) {
  if (store_->fact(Name(prefix, id, 0).view()).ok()) return Status::ok;  // Refused on an earlier link, and kept then.
  if (size == 0 || kept.letters >= options_.letters_max || kept.bytes + size > options_.bytes_max) return Status::full;
  for (std::size_t at = 0, part = 0; at < size; at += options_.part_bytes, ++part) {
    const std::size_t bytes = size - at < options_.part_bytes ? size - at : options_.part_bytes;
    const Status status = store_->set_fact(Name(prefix, id, part).view(), memory_.subspan(at, bytes));
    if (status == Status::ok) continue;
    Tally unwritten{1, at};
    static_cast<void>(erase(prefix, id, unwritten));
    return status;
  }
  ++kept.letters;
  kept.bytes += size;
  return Status::ok;
}

// The first part last: what a full store leaves of a letter is found by its id, and can be erased again.
Status DeadLetters::erase(std::string_view prefix, crdt::Seq id, Tally& kept) {
  std::size_t parts = 0;
  while (store_->fact(Name(prefix, id, parts).view()).ok()) ++parts;
  if (parts == 0) return Status::not_found;
  while (parts > 0) {
    const Name name(prefix, id, --parts);
    const Result<Bytes> bytes = store_->fact(name.view());
    if (!bytes.ok()) return bytes.status();
    const std::size_t size = bytes->size();
    GRID_TRY(store_->set_fact(name.view(), {}));
    kept.bytes -= size;
  }
  --kept.letters;
  return Status::ok;
}

void DeadLetters::supersede(OpLog& log, const crdt::CellName& name, crdt::Seq by) {
  const Result<crdt::Op> before = store_->find(name);
  if (before.ok() && log.is_unshared(*before)) note_superseded(*before, by);
}

Status DeadLetters::refuse(OpLog& log, crdt::Seq seq, Status why, std::string_view sentence) {
  const Result<crdt::Op> op = log.op_at(seq);
  if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
  if (!log.is_pending(*op)) return Status::ok;
  keep({op->seq, op->cell, Outcome::rejected, why, sentence});
  if (const crdt::Seq lost = lose_with(seq); lost != 0) log.lose(lost);
  return Status::ok;
}

void DeadLetters::drop(const crdt::Op& op) {
  keep({op.seq, op.cell, Outcome::dropped, Status::full, "the log of unsent ops was full"});
}

void DeadLetters::keep(const Letter& letter) {
  if (write(kDead, letter.id, encode(letter), dead_) != Status::ok) miss();
}

// Only the last one before: what that one had superseded itself was a matter of its own device. A note of an op that
// was not written in the end is told by its name from one of the op that came instead.
void DeadLetters::note_superseded(const crdt::Op& earlier, crdt::Seq by) {
  const crdt::Seq id = earlier.seq;
  const std::size_t size = encode({.id = id, .cell = earlier.cell, .outcome = Outcome::lost_with, .with = id});
  if (was_.letters > 0) static_cast<void>(erase(kWas, id, was_));
  static_cast<void>(write(kWas, by, size, was_));
}

crdt::Seq DeadLetters::lose_with(crdt::Seq by) {
  if (was_.letters == 0) return 0;
  const Result<Letter> lost = read(kWas, by);
  const Result<crdt::Op> refused = store_->next_op(by - 1);
  if (!lost.ok() || !refused.ok() || refused->seq != by || refused->cell.name != lost->cell.name) return 0;
  const crdt::Seq id = lost->with;  // Until here its own.
  store_be(by, memory_.data() + 26);
  const std::size_t size = static_cast<std::size_t>(lost->cell.value.data() - memory_.data()) + lost->cell.value.size();
  if (write(kDead, id, size, dead_) != Status::ok) miss();
  static_cast<void>(erase(kWas, by, was_));
  return id;
}

void DeadLetters::settle() {
  while (was_.letters > 0) {
    const auto fact = store_->next_fact(kWas, {});
    if (!fact.ok() || erase(kWas, id_of(fact->name, kWas), was_) != Status::ok) return;
  }
}

// What is left of one that could not be erased whole is passed over.
Result<Letter> DeadLetters::next(crdt::Seq after) {
  for (;;) {
    // Behind every part of `after`: '0' comes behind '/'.
    char last[32];
    const Name name(kDead, after);
    std::size_t size = name.view().size();
    std::memcpy(last, name.view().data(), size);
    last[size++] = '0';
    const auto fact = store_->next_fact(kDead, after == 0 ? std::string_view{} : std::string_view{last, size});
    if (!fact.ok()) return fact.status();
    after = id_of(fact->name, kDead);
    Result<Letter> letter = read(kDead, after);
    if (letter.status() != Status::corrupt && letter.status() != Status::not_found) return letter;
  }
}

Status DeadLetters::discard(crdt::Seq id) { return erase(kDead, id, dead_); }

Status discard_letter(Editor& editor, const Call& call) {
  if (editor.letters() == nullptr) return Status::not_found;
  editor.touch();
  const Status status = editor.letters()->discard(call.letter);
  if (status == Status::not_found) editor.problem().say("there is no dead letter ").number(call.letter);
  return status;
}

}  // namespace grid::runtime
