// SPDX-License-Identifier: Apache-2.0

#include "ports/esp32/mailbox.h"

#include <esp_vfs_eventfd.h>
#include <unistd.h>

namespace grid::port {

Status Mailbox::open() {
  if (bell_ >= 0) return Status::ok;
  const esp_vfs_eventfd_config_t config = ESP_VFS_EVENTD_CONFIG_DEFAULT();
  const esp_err_t error = esp_vfs_eventfd_register(&config);
  // Somebody else in the program may have registered it.
  if (error != ESP_OK && error != ESP_ERR_INVALID_STATE) return Status::io;
  bell_ = eventfd(0, 0);
  if (bell_ < 0) return Status::io;
  queue_ = xQueueCreateStatic(kLetters, sizeof(Letter), letters_, &queue_memory_);
  return Status::ok;
}

bool Mailbox::post(Work work, void* context) {
  const Letter letter{work, context};
  if (queue_ == nullptr || xQueueSend(queue_, &letter, 0) != pdTRUE) return false;
  ring();
  return true;
}

void Mailbox::ring() {
  constexpr std::uint64_t kOnce = 1;
  if (bell_ >= 0) [[maybe_unused]]
    const ssize_t written = write(bell_, &kOnce, sizeof(kOnce));
}

void Mailbox::silence() {
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t got = read(bell_, &rung, sizeof(rung));
}

void Mailbox::run() {
  if (queue_ == nullptr) return;
  for (UBaseType_t left = uxQueueMessagesWaiting(queue_); left > 0; --left) {
    Letter letter;
    if (xQueueReceive(queue_, &letter, 0) != pdTRUE) return;
    letter.work(letter.context);
  }
}

}  // namespace grid::port
