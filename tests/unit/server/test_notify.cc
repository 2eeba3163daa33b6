// SPDX-License-Identifier: Apache-2.0
//
// What a service manager hears of gridd, and what it does not.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "server/host/notify.h"
#include "tests/check.h"

namespace {

using namespace grid;
using namespace grid::server;

// The manager's socket, under a name that lies in no file system.
struct Manager {
  int socket = -1;
  std::string name = "@grid-test-notify-" + std::to_string(::getpid());
  uv_loop_t loop{};

  Manager() {
    uv_loop_init(&loop);
    socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    assert_int_equal(::bind(socket, reinterpret_cast<const sockaddr*>(&at), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(variable);
    ::close(socket);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&loop), 0);
  }
  std::string heard() const {
    char room[512];
    const ssize_t size = ::recv(socket, room, sizeof room, 0);
    return size < 0 ? std::string() : std::string(room, static_cast<std::size_t>(size));
  }
};

void it_says_each_state_in_the_words_of_the_protocol(void**) {
  Manager manager;
  {
    Notify notify(&manager.loop);
    assert_ok(notify.ready("listens at\nws://127.0.0.1:1"));
    assert_string_equal(manager.heard().c_str(), "READY=1\nSTATUS=listens at ws://127.0.0.1:1");
    notify.reloading();
    const std::string reloading = manager.heard();
    assert_true(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC=") && reloading.back() != '=');
    notify.status("drains");
    assert_string_equal(manager.heard().c_str(), "STATUS=drains");
    notify.stopping("commits");
    assert_string_equal(manager.heard().c_str(), "STOPPING=1\nSTATUS=commits");
  }
}

void without_a_manager_it_says_nothing_and_is_content(void**) {
  Manager manager;
  ::unsetenv("NOTIFY_SOCKET");
  ::setenv("WATCHDOG_USEC", "1000", 1);
  {
    Notify notify(&manager.loop);
    assert_ok(notify.ready("here"));
    notify.turned(1'000);
    assert_string_equal(manager.heard().c_str(), "");
  }
}

void a_manager_that_cannot_be_told_is_no_success(void**) {
  Manager manager;
  const std::string long_name = "/" + std::string(200, 'x');
  for (const char* name : {"/nowhere/at/all", "vsock:2:1", long_name.c_str()}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    Notify notify(&manager.loop);
    assert_status(notify.ready("here"), Status::io);
  }
}

void turns_feed_the_watchdog_twice_in_its_time(void**) {
  Manager manager;
  ::setenv("WATCHDOG_USEC", "10000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  {
    Notify notify(&manager.loop);
    notify.turned(1'000);
    assert_string_equal(manager.heard().c_str(), "WATCHDOG=1");
    notify.turned(5'999);
    assert_string_equal(manager.heard().c_str(), "");
    notify.turned(6'000);
    assert_string_equal(manager.heard().c_str(), "WATCHDOG=1");
  }
}

// An idle loop comes round because of it; but coming round is not being fed.
void the_alarm_turns_the_loop_and_feeds_nobody(void**) {
  Manager manager;
  ::setenv("WATCHDOG_USEC", "20000", 1);
  {
    Notify notify(&manager.loop);
    uv_timer_t never;
    uv_timer_init(&manager.loop, &never);
    uv_timer_start(
        &never, [](uv_timer_t*) { fail_msg("the loop slept through"); }, 600'000, 0);
    for (int turn = 0; turn < 5; ++turn) uv_run(&manager.loop, UV_RUN_ONCE);
    assert_string_equal(manager.heard().c_str(), "");
    uv_close(reinterpret_cast<uv_handle_t*>(&never), nullptr);
    uv_run(&manager.loop, UV_RUN_NOWAIT);
  }
}

void a_watchdog_of_another_process_is_not_fed(void**) {
  Manager manager;
  ::setenv("WATCHDOG_USEC", "20000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  {
    Notify notify(&manager.loop);
    notify.turned(1'000'000);
    assert_string_equal(manager.heard().c_str(), "");
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_says_each_state_in_the_words_of_the_protocol),
      cmocka_unit_test(without_a_manager_it_says_nothing_and_is_content),
      cmocka_unit_test(a_manager_that_cannot_be_told_is_no_success),
      cmocka_unit_test(turns_feed_the_watchdog_twice_in_its_time),
      cmocka_unit_test(the_alarm_turns_the_loop_and_feeds_nobody),
      cmocka_unit_test(a_watchdog_of_another_process_is_not_fed),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
