// SPDX-License-Identifier: Apache-2.0
#include "cli/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "cli/failure.h"

namespace grid::cli {

std::string read_file(const std::string& name) {
  const bool is_stdin = name == "-";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      is_stdin ? stdin : std::fopen(name.c_str(), "rb"),
      [](std::FILE* opened) { return opened == stdin ? 0 : std::fclose(opened); });
  if (file == nullptr) throw Failure(Exit::failure, "cannot open " + name + ": " + std::strerror(errno));
  std::string content;
  char chunk[65'536];
  while (const std::size_t size = std::fread(chunk, 1, sizeof(chunk), file.get())) content.append(chunk, size);
  if (std::ferror(file.get()) != 0) throw Failure(Exit::failure, "cannot read " + name + ": " + std::strerror(errno));
  return content;
}

}  // namespace grid::cli
