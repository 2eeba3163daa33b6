// SPDX-License-Identifier: Apache-2.0
//
// Row tests: the predicates of scopes, compiled.
//
// Place     Above crdt/query, below whoever subscribes (a device) or is subscribed to (the gateway).
// Ownership A test owns its program.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crdt/query/compile.h"
#include "runtime/partial.h"
#include "runtime/scope.h"

namespace grid::runtime {

class CompiledRowTest final : public RowTest {
 public:
  // Null: the text is no predicate; `trouble` says why, and refers to the text.
  static std::unique_ptr<CompiledRowTest> compile(std::string_view text, query::Trouble& trouble);
  // `program` came from compile() or join().
  static std::unique_ptr<CompiledRowTest> of(Bytes program);

  using RowTest::accepts;
  bool accepts(std::string_view key, Bytes value) const override {
    return predicate().matches({key, crdt::Value(value)});
  }
  query::Predicate predicate() const { return query::Predicate(program_); }

 private:
  std::vector<std::uint8_t> program_;
};

// A device's: one test for each text that it ever subscribed to.
class RowTests final : public Partial {
 public:
  static constexpr std::size_t kTestsMax = 1'024;

  explicit RowTests(ErasureListener* listener = nullptr) : listener_(listener) {}
  const RowTest* test_of(std::string_view text) override;
  Status evict(OpLog& log, Pulls& pulls, std::uint32_t id, const crdt::CellName& row) override;
  Status sweep(OpLog& log, Pulls& pulls, std::uint32_t id) override;
  void left(std::string_view map, crdt::Seq sent) override { left_.insert_or_assign(std::string(map), sent); }
  Status sweep_left(OpLog& log, Pulls& pulls) override;
  void welcomed(std::uint32_t features, Pulls& pulls, Problem& problem) override;
  void resumed(Pull& pull) override;
  Status answered_again(Pull& pull) override;
  void erased(const crdt::CellName& name) override {
    if (listener_ != nullptr) listener_->erased(name);
  }

 private:
  Status sweep_facts(OpLog& log, Pulls& pulls, std::uint32_t id, const std::string& map);

  ErasureListener* listener_;
  std::map<std::string, std::unique_ptr<CompiledRowTest>, std::less<>> tests_;
  std::map<std::string, crdt::Seq, std::less<>> left_;  // By map, what had been sent.
};

// Whether `text` is that of a scope of facts: attributes in rising order, so that there is one text for one scope.
Status check_attributes(std::string_view text);

}  // namespace grid::runtime
