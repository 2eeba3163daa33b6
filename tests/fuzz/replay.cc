// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over its corpus: an ordinary test, for every compiler. `replay_NAME FILE` or `replay_NAME FOLDER`
// runs it over that instead.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/check.h"
#include "tests/fuzz/target.h"

namespace {

// In a block of its own size, so that a read behind it is seen by the address sanitizer.
void replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  const std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[content.size()]);
  content.copy(reinterpret_cast<char*>(block.get()), content.size());
  std::printf("%s\n", path.filename().c_str());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(block.get(), content.size());
}

std::filesystem::path corpus = GRID_CORPUS;

void corpus_is_survived(void**) {
  if (!std::filesystem::is_directory(corpus)) return replay(corpus);
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    replay(entry.path());
    ++count;
  }
  assert_true(count > 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) corpus = argv[1];
  const CMUnitTest tests[] = {cmocka_unit_test(corpus_is_survived)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
