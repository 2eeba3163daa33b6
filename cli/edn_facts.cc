// SPDX-License-Identifier: Apache-2.0
#include "cli/edn_facts.h"

#include <vector>

#include "crdt/datalog/edn.h"

namespace grid::cli {
namespace {

using crdt::Value;
using crdt::ValueWriter;
using datalog::edn::Node;
using Kind = Node::Kind;

// What one form may take as nodes: each is of two bytes of text at least.
constexpr std::size_t kFormBytesMax = 1'048'576;
constexpr std::size_t kArenaBytes = 64u << 20;
constexpr std::size_t kRoomMore = 32;

class Transaction {
 public:
  explicit Transaction(FactWriter& writer) : writer_(writer) {}

  void take(const Node& form) {
    writer_.at_line(form.at.line);
    if (form.is(Kind::map)) return take_map(form);
    if (form.is(Kind::vector) || form.is(Kind::list)) return take_list(form);
    writer_.refuse("neither [:db/add entity attribute value] nor a map");
  }

 private:
  // An object, an id or an attribute.
  Value value_of(const Node& node) {
    room_.resize(node.text.size() + kRoomMore);
    ValueWriter writer(room_);
    switch (node.kind) {
      case Kind::boolean:
        writer.boolean(node.integer != 0);
        break;
      case Kind::integer:
        writer.integer(node.integer);
        break;
      case Kind::number:
        writer.number(node.number());
        break;
      case Kind::text:
      case Kind::keyword:
        writer.text(node.text);
        break;
      case Kind::date:
        writer.timestamp(node.integer);
        break;
      case Kind::bytes:
        writer.bytes(as_bytes(node.text));
        break;
      default:
        writer_.at_line(node.at.line);
        writer_.refuse(std::string(node.source.substr(0, 40)) + " is no value of a fact");
    }
    const Result<Bytes> written = writer.finish();
    if (!written.ok()) writer_.refuse("this is too long, or not UTF-8");
    return Value(*written);
  }

  std::string entity(const Node& node) { return writer_.entity(value_of(node)); }

  std::string attribute(const Node& node) {
    if (!node.is(Kind::keyword) && !node.is(Kind::text)) {
      writer_.refuse(std::string(node.source.substr(0, 40)) + " is no attribute: that is a keyword or text");
    }
    return std::string(node.text);
  }

  void take_map(const Node& map) {
    const Node* id = nullptr;
    bool is_name = true;
    const Node* name = nullptr;
    for (const Node& node : map.items()) {
      if (!is_name && name->is_keyword("db/id")) id = &node;
      if (is_name) name = &node;
      is_name = !is_name;
    }
    if (id == nullptr) writer_.refuse("a map needs a :db/id, a number or text");
    const std::string key = entity(*id);
    is_name = true;
    for (const Node& node : map.items()) {
      if (is_name) name = &node;
      if (!is_name && !name->is_keyword("db/id")) put(key, attribute(*name), node);
      is_name = !is_name;
    }
  }

  void put(const std::string& key, const std::string& name, const Node& object) {
    const bool is_many = object.is(Kind::vector) || object.is(Kind::set) || object.is(Kind::list);
    if (!is_many) return writer_.put(key, name, value_of(object), false);
    for (const Node& one : object.items()) writer_.put(key, name, value_of(one), true);
  }

  void take_list(const Node& list) {
    std::vector<const Node*> parts;
    for (const Node& node : list.items()) parts.push_back(&node);
    const auto is = [&](std::string_view verb, std::size_t count) {
      return parts.size() == count && parts[0]->is_keyword(verb);
    };
    if (is("db/add", 4)) return put(entity(*parts[1]), attribute(*parts[2]), *parts[3]);
    if (is("db/retractEntity", 2)) return writer_.bury(entity(*parts[1]));
    if (is("db/retract", 4)) {
      const std::string key = entity(*parts[1]), name = attribute(*parts[2]);
      return writer_.remove(key, name, value_of(*parts[3]));
    }
    if (is("db/retract", 3)) return writer_.remove(entity(*parts[1]), attribute(*parts[2]), {});
    writer_.refuse("this is none of [:db/add e a v], [:db/retract e a v], [:db/retract e a] and [:db/retractEntity e]");
  }

  FactWriter& writer_;
  std::vector<std::uint8_t> room_;
};

}  // namespace

void read_edn_facts(std::string_view content, FactWriter& writer) {
  std::vector<std::uint8_t> memory(kArenaBytes);
  datalog::edn::Reader reader(content);
  Transaction transaction(writer);
  for (;;) {
    Arena arena(memory);
    datalog::Trouble trouble;
    const Result<const Node*> form = reader.next(arena, trouble, kFormBytesMax);
    if (!form.ok()) {
      char sentence[256];
      writer.at_line(trouble.at.line);
      writer.refuse(std::string(trouble.sentence(sentence)));
    }
    if (*form == nullptr) return;
    transaction.take(**form);
  }
}

}  // namespace grid::cli
