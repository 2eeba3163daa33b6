// SPDX-License-Identifier: Apache-2.0
//
// The verbs of gridctl on damaged flash images, in this process: each ends with an exit code, and none crashes.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "cli/print.h"
#include "cli/verbs.h"
#include "crdt/value.h"
#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using cli::Exit;
using Content = std::vector<std::uint8_t>;

constexpr std::uint32_t kSectors = 14;
constexpr storage::FlashOptions kOptions{.cells_max = 60, .facts_max = 8, .batch_bytes_max = 12'000};

// Output goes nowhere while it lives.
class Silence {
 public:
  Silence() : out_(::dup(STDOUT_FILENO)), err_(::dup(STDERR_FILENO)), nothing_(::open("/dev/null", O_WRONLY)) {
    std::fflush(stdout);
    ::dup2(nothing_, STDOUT_FILENO);
    ::dup2(nothing_, STDERR_FILENO);
  }
  ~Silence() {
    std::fflush(stdout);
    ::dup2(out_, STDOUT_FILENO);
    ::dup2(err_, STDERR_FILENO);
    for (const int each : {out_, err_, nothing_}) ::close(each);
  }

 private:
  int out_, err_, nothing_;
};

struct Desk {
  char folder[32] = "/tmp/grid-image-XXXXXX";
  Content image;
  cli::Context context;

  std::string path(const char* name) const { return std::string(folder) + "/" + name; }
};

int make(void** state) {
  auto* desk = new Desk;
  *state = desk;
  if (::mkdtemp(desk->folder) == nullptr) return 1;
  desk->context.target = "image:" + desk->path("chip.bin");
  desk->context.format = cli::Format::json;
  return 0;
}
int drop(void** state) {
  auto* desk = static_cast<Desk*>(*state);
  for (const char* name : {"chip.bin", "rows.csv", "rows.json"}) std::remove(desk->path(name).c_str());
  ::rmdir(desk->folder);
  delete desk;
  return 0;
}

// A chip on which rows were written for a while, with the power cut now and then.
Content worn_image(Dice& dice) {
  NorEmulator device(kSectors);
  for (int life = 0; life < 12; ++life) {
    FlashChip chip(device, kOptions);
    assert_ok(chip.store().mount());
    device.cut_at(60 + dice.below(200), static_cast<NorEmulator::Tear>(dice.below(3)), dice.any());
    for (int i = 0; !device.is_cut(); ++i) {
      std::uint8_t room[256];
      crdt::ValueWriter writer(room);
      writer.text(std::string(dice.below(120), 'v'));
      const std::string key = "bench/" + std::to_string(dice.below(50));
      crdt::Op op;
      op.local = dice.one_in(2);
      op.cell = {{"climate", key}, crdt::Stamp::of(1'000 + static_cast<std::uint64_t>(i), 0, 1), 0, *writer.finish()};
      if (chip.store().append(op).ok() && dice.one_in(3)) static_cast<void>(chip.store().commit());
    }
    device.power_on();
  }
  FlashChip chip(device, kOptions);
  assert_ok(chip.store().mount());
  assert_true(chip.store().cell_count() > 20);
  return device.bytes();
}

Content damaged(Dice& dice, Content image) {
  for (std::uint64_t left = 1 + dice.below(6); left != 0; --left) {
    const std::size_t at = dice.below(image.size()),
                      size = std::min<std::size_t>(1 + dice.below(600), image.size() - at);
    const bool erases = dice.one_in(3);
    for (std::size_t i = 0; i < size; ++i) image[at + i] = erases ? 0xff : static_cast<std::uint8_t>(dice.any());
  }
  if (dice.one_in(10)) image.resize(1 + dice.below(image.size()));
  return image;
}

void write(const std::string& path, const Content& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  assert_non_null(file);
  assert_int_equal(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
}

template <typename Verb>
Exit run(Verb verb) {
  try {
    return verb();
  } catch (const cli::Failure& failure) {
    return std::string_view(failure.what()).find("chip.bin") == std::string_view::npos ? Exit::usage : failure.exit();
  }
}

void damaged_images_end_each_verb_with_a_sentence(void** state) {
  auto& desk = *static_cast<Desk*>(*state);
  Dice dice;
  std::array<int, 9> checks{};
  for (int round = 0; round < 1'000; ++round) {
    if (round % 100 == 0) desk.image = worn_image(dice);
    write(desk.path("chip.bin"), damaged(dice, desk.image));
    const cli::SalvageOptions out{desk.path(dice.one_in(2) ? "rows.csv" : "rows.json")};
    Exit check, list, salvage;
    {
      const Silence silence;
      check = run([&] { return cli::flash_check(desk.context); });
      list = run([&] { return cli::ls(desk.context, {"climate", ""}); });
      salvage = run([&] { return cli::flash_salvage(desk.context, out); });
      for (const auto verb : {cli::status, cli::oplog, cli::flash_wear}) run([&] { return verb(desk.context); });
      run([&] { return cli::flash_budget(desk.context, {}); });
    }
    ++checks[static_cast<std::size_t>(check)];
    const bool is_well_said =
        (check == Exit::ok || check == Exit::failure) &&
        (list == Exit::ok || list == Exit::failure || list == Exit::corrupt) &&
        (salvage == Exit::ok || salvage == Exit::failure || salvage == Exit::partial || salvage == Exit::corrupt) &&
        (check != Exit::ok || list == Exit::ok);
    if (is_well_said) continue;
    fail_msg("round %d: check %d, ls %d, salvage %d", round, static_cast<int>(check), static_cast<int>(list),
             static_cast<int>(salvage));
  }
  print_message("%d of 1000 were found damaged\n", checks[static_cast<std::size_t>(Exit::failure)]);
  assert_true(checks[static_cast<std::size_t>(Exit::failure)] > 500);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(damaged_images_end_each_verb_with_a_sentence, make, drop),
  };
  return cmocka_run_group_tests_name("gridctl on images", tests, nullptr, nullptr);
}
