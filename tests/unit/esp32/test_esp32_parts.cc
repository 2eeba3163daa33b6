// SPDX-License-Identifier: Apache-2.0
//
// What ports/esp32 is made of, each by itself: flash, chance, clocks, settings, the mailbox, the network.

#include <esp_netif.h>
#include <esp_wifi.h>
#include <nvs.h>

#include <algorithm>
#include <cstring>

#include "crdt/clock.h"
#include "ports/esp32/grid/esp32_settings.h"
#include "ports/esp32/grid/esp32_wifi.h"
#include "ports/esp32/mailbox.h"
#include "ports/esp32/network.h"
#include "ports/esp32/partition_device.h"
#include "ports/port.h"
#include "tests/check.h"
#include "tests/unit/esp32/fake_idf.h"

namespace grid::test {
namespace {

runtime::Problem problem;

int setup(void**) {
  reset_idf();
  problem.say("");
  return 0;
}

void assert_says(const char* words) {
  if (std::strstr(problem.line(), words) == nullptr) fail_msg("\"%s\" does not say \"%s\"", problem.line(), words);
}

// ---- flash

void a_partition_keeps_bytes_as_nor_does(void**) {
  idf().make_partition("grid", 0x47, 0x01, 8);
  port::PartitionDevice device;
  assert_ok(device.open("grid", problem));
  assert_int_equal(device.sector_bytes(), 4'096);
  assert_int_equal(device.sector_count(), 8);
  const std::uint8_t bytes[16] = {1, 2, 3};
  assert_ok(device.erase(2));
  assert_ok(device.program(2 * 4'096 + 32, bytes));
  std::uint8_t read[48];
  assert_ok(device.read(2 * 4'096, read));
  assert_int_equal(read[0], 0xff);
  assert_memory_equal(read + 32, bytes, 16);
  assert_string_equal(idf().flash->violation().c_str(), "");
}

void a_partition_that_is_not_there_is_named_with_the_line_that_makes_it(void**) {
  port::PartitionDevice device;
  assert_status(device.open("grid", problem), Status::not_found);
  assert_says("no grid; partitions.csv needs: grid, 0x47, 0x01, , 256K,");
  idf().make_partition("data", 0x47, 0x01, 8);
  assert_status(device.open("grid", problem), Status::not_found);
  assert_status(device.open("", problem), Status::not_found);
  assert_status(device.open("a name of 17 char", problem), Status::not_found);
}

void a_partition_of_another_type_is_left_alone(void**) {
  port::PartitionDevice device;
  idf().make_partition("grid", ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_DATA_SPIFFS, 8);
  assert_status(device.open("grid", problem), Status::invalid);
  assert_says("type 1, subtype 130");
  idf().make_partition("grid", 0x47, 0x02, 8);
  assert_status(device.open("grid", problem), Status::invalid);
  idf().make_partition("grid", 0x47, 0x01, 8);
  idf().partition.erase_size = 65'536;
  assert_status(device.open("grid", problem), Status::invalid);
  assert_says("sectors of 4096");
}

void an_encrypted_partition_is_refused(void**) {
  port::PartitionDevice device;
  idf().make_partition("grid", 0x47, 0x01, 8);
  idf().partition.encrypted = true;
  assert_status(device.open("grid", problem), Status::invalid);
  assert_says("the partition grid is encrypted");
}

void a_flash_that_fails_is_io(void**) {
  idf().make_partition("grid", 0x47, 0x01, 8);
  port::PartitionDevice device;
  assert_ok(device.open("grid", problem));
  const std::uint8_t bytes[16] = {};
  idf().flash->fail_at(0, true, 1);
  assert_status(device.program(0, bytes), Status::io);
  idf().flash->fail_at(0, true, 1);
  assert_status(device.erase(1), Status::io);
  idf().flash->fail_reads(true);
  std::uint8_t read[16];
  assert_status(device.read(0, read), Status::io);
}

// The driver takes memory for what it reads and writes, and other tasks keep it from the bus.
void a_flash_that_is_short_of_memory_or_time_is_asked_again(void**) {
  idf().make_partition("grid", 0x47, 0x01, 8);
  port::PartitionDevice device;
  assert_ok(device.open("grid", problem));
  const std::uint8_t bytes[16] = {};
  std::uint8_t read[16];
  for (const esp_err_t error : {ESP_ERR_NO_MEM, ESP_ERR_TIMEOUT}) {
    idf().flash_error = error;
    idf().flash_errors = 3;
    assert_ok(device.erase(1));
    idf().flash_errors = 3;
    assert_ok(device.read(4'096, read));
    idf().flash_errors = 3;
    // A program that ran out of time may have begun, and nothing is programmed twice.
    assert_status(device.program(4'096, bytes), error == ESP_ERR_NO_MEM ? Status::ok : Status::io);
  }
  idf().flash_errors = 1'000;
  assert_status(device.read(0, read), Status::io);
  assert_true(idf().flash_errors > 900);
  assert_true(idf().delays > 0);
  assert_string_equal(idf().flash->violation().c_str(), "");
}

// ---- chance and clocks

void chance_comes_from_the_radio_or_from_a_source_that_is_switched_on_for_it(void**) {
  std::uint8_t seed[32] = {};
  port::entropy(seed);
  assert_int_equal(idf().bytes_with_noise, 32);
  assert_int_equal(idf().sources_on, 0);  // An ADC that stays on is nobody else's.
  idf().is_radio_on = true;
  port::entropy(seed);
  assert_int_equal(idf().bytes_with_noise, 64);
  assert_int_equal(idf().bytes_without_noise, 0);
}

void the_monotonic_clock_is_that_of_esp_timer(void**) {
  const std::uint64_t before_ms = port::monotonic_ms();
  idf().skipped_us = 5'000'000;
  assert_true(port::monotonic_ms() - before_ms >= 5'000);
}

void a_wall_clock_that_was_never_set_is_unknown(void**) {
  idf().knows_time = false;
  assert_int_equal(port::wall_ms(), 0);
  idf().knows_time = true;
  assert_true(port::wall_ms() >= crdt::kBuildEpochMs);
}

void the_headroom_is_that_of_the_heap(void**) { assert_int_equal(port::headroom_bytes(), 123'456); }

// ---- settings

void an_empty_nvs_leaves_every_default_and_names_the_device_by_its_mac(void**) {
  Esp32Settings settings;
  std::strcpy(settings.server, "ws://10.0.0.1:7271");
  assert_ok(read_settings(settings, problem));
  assert_string_equal(settings.server, "ws://10.0.0.1:7271");
  assert_string_equal(settings.app, "");
  assert_string_equal(settings.name, "esp32-0b2c3d");
}

void what_is_written_is_read_again(void**) {
  assert_ok(write_setting("server", "wss://gateway.local", problem));
  assert_ok(write_setting("wifi_pass", "correct horse", problem));
  assert_ok(write_setting("name", "fan-3", problem));
  assert_ok(write_setting("token", "grid_x", problem));
  Esp32Settings settings;
  assert_ok(read_settings(settings, problem));
  assert_string_equal(settings.server, "wss://gateway.local");
  assert_string_equal(settings.wifi_password, "correct horse");
  assert_string_equal(settings.name, "fan-3");
  assert_string_equal(settings.token, "grid_x");
  assert_ok(write_setting("name", "", problem));
  Esp32Settings again;
  assert_ok(read_settings(again, problem));
  assert_string_equal(again.name, "esp32-0b2c3d");
  assert_int_equal(idf().nvs_open_handles, 0);
}

void the_settings_of_menuconfig_come_first(void**) {
  Esp32Settings settings;
  configure_settings(settings);
  assert_string_equal(settings.wifi_ssid, "somewhere");
  assert_ok(write_setting("wifi_ssid", "elsewhere", problem));
  assert_ok(read_settings(settings, problem));
  assert_string_equal(settings.wifi_ssid, "elsewhere");
  assert_string_equal(settings.wifi_password, "sesame");
}

void settings_that_do_not_fit_are_named_and_the_others_read(void**) {
  assert_status(write_setting("wifi_pass", std::string(65, 'x').c_str(), problem), Status::too_large);
  assert_status(write_setting("colour", "red", problem), Status::not_found);
  assert_says("no setting colour");
  idf().has_namespace = true;
  idf().nvs["app"] = std::string(65, 'x');
  idf().nvs["server"] = "ws://10.0.0.2:7271";
  Esp32Settings settings;
  assert_status(read_settings(settings, problem), Status::too_large);
  assert_says("app");
  assert_string_equal(settings.app, "");
  assert_string_equal(settings.server, "ws://10.0.0.2:7271");
}

void a_damaged_nvs_is_a_status_and_nothing_is_erased(void**) {
  Esp32Settings settings;
  idf().nvs["server"] = "ws://10.0.0.2:7271";
  idf().has_namespace = true;
  idf().nvs_init_error = ESP_ERR_NVS_NO_FREE_PAGES;
  assert_status(read_settings(settings, problem), Status::corrupt);
  assert_says("erase-flash");
  idf().nvs_init_error = ESP_ERR_NVS_NEW_VERSION_FOUND;
  assert_status(read_settings(settings, problem), Status::newer);
  idf().nvs_init_error = ESP_ERR_NOT_FOUND;
  assert_status(read_settings(settings, problem), Status::io);
  idf().nvs_init_error = ESP_OK;
  idf().nvs_open_error = ESP_ERR_NVS_PART_NOT_FOUND;
  assert_status(write_setting("name", "x", problem), Status::io);
  idf().nvs_open_error = ESP_OK;
  idf().nvs_errors["app"] = ESP_FAIL;
  assert_status(read_settings(settings, problem), Status::corrupt);
  assert_says("the entry app");
  assert_string_equal(settings.server, "ws://10.0.0.2:7271");
}

void an_nvs_that_takes_no_more_says_so(void**) {
  idf().nvs_write_error = ESP_ERR_NVS_NOT_ENOUGH_SPACE;
  assert_status(write_setting("name", "x", problem), Status::full);
  idf().nvs_write_error = ESP_FAIL;
  assert_status(write_setting("name", "x", problem), Status::io);
  assert_int_equal(idf().nvs_open_handles, 0);
}

// ---- the mailbox

void work_runs_in_the_order_in_which_it_was_posted(void**) {
  static std::string ran;
  ran.clear();
  static port::Mailbox mailbox;
  assert_false(mailbox.post([](void*) {}, nullptr));  // Not open.
  assert_ok(mailbox.open());
  char letters[] = "abc";
  for (char* letter = letters; *letter != '\0'; ++letter) {
    assert_true(mailbox.post([](void* at) { ran += *static_cast<char*>(at); }, letter));
  }
  mailbox.silence();
  mailbox.run();
  assert_string_equal(ran.c_str(), "abc");
}

// BND-1
void a_full_mailbox_refuses_and_forgets_nothing(void**) {
  static port::Mailbox mailbox;
  static int ran = 0;
  assert_ok(mailbox.open());
  const auto count = [](void*) { ++ran; };
  for (std::uint32_t i = 0; i < port::Mailbox::kLetters; ++i) assert_true(mailbox.post(count, nullptr));
  assert_false(mailbox.post(count, nullptr));
  mailbox.run();
  assert_int_equal(ran, port::Mailbox::kLetters);
  assert_true(mailbox.post(count, nullptr));
}

void work_that_posts_itself_again_leaves_the_node_a_turn(void**) {
  static port::Mailbox mailbox;
  static int ran = 0;
  assert_ok(mailbox.open());
  struct Again {
    static void run(void*) {
      ++ran;
      assert_true(mailbox.post(&Again::run, nullptr));
    }
  };
  assert_true(mailbox.post(&Again::run, nullptr));
  mailbox.run();
  assert_int_equal(ran, 1);
}

void a_machine_without_event_files_has_no_mailbox(void**) {
  idf().has_event_files = false;
  static port::Mailbox mailbox;
  assert_status(mailbox.open(), Status::io);
}

// ---- the network

void the_network_is_up_with_an_address_and_down_without_its_access_point(void**) {
  static port::Mailbox mailbox;
  port::Network network(mailbox);
  assert_status(network.open(), Status::busy);  // No event loop.
  idf().has_event_loop = true;
  assert_ok(network.open());
  assert_false(network.is_up());
  idf().network_up();
  assert_true(network.take_news());
  assert_false(network.take_news());
  assert_true(network.is_up());
  idf().network_down();
  assert_true(network.take_news());
  assert_false(network.is_up());
}

void a_network_that_is_gone_hears_nothing_any_more(void**) {
  static port::Mailbox mailbox;
  idf().has_event_loop = true;
  {
    port::Network network(mailbox);
    assert_ok(network.open());
  }
  assert_int_equal(idf().handlers.size(), 0);
}

void joining_starts_the_radio_and_joins_again_after_each_loss(void**) {
  assert_ok(wifi_join("home", "correct horse", problem));
  assert_true(idf().is_radio_on);
  assert_string_equal(idf().wifi_calls.back().c_str(), "set_ps");
  const auto connects = [] { return std::count(idf().wifi_calls.begin(), idf().wifi_calls.end(), "connect"); };
  assert_int_equal(connects(), 1);
  idf().network_down();
  assert_int_equal(connects(), 2);
}

void joining_twice_joins_again_once_after_a_loss(void**) {
  assert_ok(wifi_join("home", "correct horse", problem));
  assert_ok(wifi_join("home", "correct horse", problem));
  const auto connects = [] { return std::count(idf().wifi_calls.begin(), idf().wifi_calls.end(), "connect"); };
  const auto before = connects();
  idf().network_down();
  assert_int_equal(connects(), before + 1);
}

void joining_may_be_tried_again_and_finds_the_interface_there(void**) {
  idf().wifi_errors["start"] = ESP_FAIL;
  assert_status(wifi_join("home", "correct horse", problem), Status::io);
  idf().wifi_errors.clear();
  assert_ok(wifi_join("home", "correct horse", problem));
  assert_true(idf().is_radio_on);
}

void joining_with_bad_words_or_a_sick_radio_is_a_status(void**) {
  assert_status(wifi_join("", "x", problem), Status::invalid);
  assert_status(wifi_join(std::string(33, 'x').c_str(), "", problem), Status::invalid);
  assert_status(wifi_join("home", std::string(65, 'x').c_str(), problem), Status::invalid);
  idf().wifi_errors["start"] = ESP_FAIL;
  assert_status(wifi_join("home", "", problem), Status::io);
  assert_says("esp_wifi_start");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define TEST(name) cmocka_unit_test_setup(name, setup)
  const CMUnitTest tests[] = {
      TEST(a_partition_keeps_bytes_as_nor_does),
      TEST(a_partition_that_is_not_there_is_named_with_the_line_that_makes_it),
      TEST(a_partition_of_another_type_is_left_alone),
      TEST(an_encrypted_partition_is_refused),
      TEST(a_flash_that_fails_is_io),
      TEST(a_flash_that_is_short_of_memory_or_time_is_asked_again),
      TEST(chance_comes_from_the_radio_or_from_a_source_that_is_switched_on_for_it),
      TEST(the_monotonic_clock_is_that_of_esp_timer),
      TEST(a_wall_clock_that_was_never_set_is_unknown),
      TEST(the_headroom_is_that_of_the_heap),
      TEST(an_empty_nvs_leaves_every_default_and_names_the_device_by_its_mac),
      TEST(what_is_written_is_read_again),
      TEST(the_settings_of_menuconfig_come_first),
      TEST(settings_that_do_not_fit_are_named_and_the_others_read),
      TEST(a_damaged_nvs_is_a_status_and_nothing_is_erased),
      TEST(an_nvs_that_takes_no_more_says_so),
      TEST(work_runs_in_the_order_in_which_it_was_posted),
      TEST(a_full_mailbox_refuses_and_forgets_nothing),
      TEST(work_that_posts_itself_again_leaves_the_node_a_turn),
      TEST(a_machine_without_event_files_has_no_mailbox),
      TEST(the_network_is_up_with_an_address_and_down_without_its_access_point),
      TEST(a_network_that_is_gone_hears_nothing_any_more),
      TEST(joining_starts_the_radio_and_joins_again_after_each_loss),
      TEST(joining_twice_joins_again_once_after_a_loss),
      TEST(joining_may_be_tried_again_and_finds_the_interface_there),
      TEST(joining_with_bad_words_or_a_sick_radio_is_a_status),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
