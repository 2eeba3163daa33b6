// SPDX-License-Identifier: Apache-2.0
//
// grid_demo: what `./dev run` shows.
//
//     grid_demo [--for 20s]
//     grid_demo --device NAME STORE URL    what it runs for each of its devices

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "examples/demo/device.h"
#include "examples/demo/show.h"

namespace {

// "20s", "2m", "1500ms"; 0: not a duration.
std::uint64_t duration_ms(const std::string& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits > 6) return 0;
  const std::uint64_t number = std::stoull(text.substr(0, digits));
  const std::string unit = text.substr(digits);
  if (unit == "ms") return number;
  if (unit == "s") return number * 1'000;
  return unit == "m" ? number * 60'000 : 0;
}

int usage(std::FILE* to, int code) {
  std::fprintf(to, "usage: grid_demo [--for DURATION]   such as --for 20s or --for 2m, at least 4s\n");
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::uint64_t kLeastMs = 4'000;  // Less leaves no time for a story.
  if (argc == 5 && std::string(argv[1]) == "--device") return demo::run_device(argv[2], argv[3], argv[4]);
  std::uint64_t for_ms = 0;
  if (argc == 3 && std::string(argv[1]) == "--for") for_ms = duration_ms(argv[2]);
  if (argc == 2 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h")) return usage(stdout, 0);
  if (argc != 1 && for_ms < kLeastMs) return usage(stderr, 2);
  std::signal(SIGPIPE, SIG_IGN);  // A child that is gone is noticed, and named.
  std::string folder = (std::filesystem::temp_directory_path() / "grid-demo-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    std::fprintf(stderr, "demo: no folder can be made at %s\n", folder.c_str());
    return 1;
  }
  const int code = demo::Show(folder, for_ms).run();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return code;
}
