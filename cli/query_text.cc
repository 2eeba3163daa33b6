// SPDX-License-Identifier: Apache-2.0
#include "cli/query_text.h"

#include "cli/failure.h"
#include "crdt/query/compile.h"
#include "crdt/query/sort.h"

namespace grid::cli {
namespace {

constexpr std::size_t kOrderBytesMax = 4'096;

[[noreturn]] void refuse(const char* option, const query::Trouble& trouble) {
  char room[400];
  throw Failure(Exit::usage, std::string(option) + ": " + std::string(trouble.sentence(room)));
}

}  // namespace

Where::Where(const char* option, const std::string& text) : room_(query::Predicate::kProgramBytesMax) {
  query::Trouble trouble;
  const Result<query::Predicate> compiled = query::compile(text, {}, room_, trouble);
  if (!compiled.ok()) refuse(option, trouble);
  predicate_ = *compiled;
}

void check_order(const char* option, const std::string& text) {
  std::uint8_t room[kOrderBytesMax];
  query::Trouble trouble;
  if (!query::compile_sort(text, room, trouble).ok()) refuse(option, trouble);
}

}  // namespace grid::cli
