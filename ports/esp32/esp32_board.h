// SPDX-License-Identifier: Apache-2.0
//
// Esp32Board: the board of ports/chip on ESP-IDF: a partition, a connection by esp_tls, and rest in select(), from
// which the connection, other tasks and the network wake it.
//
// Place     Heart of ports/esp32; <grid/esp32.h> joins it with the loop. Above its other files and ports/chip.
// Promises  As board.h. While it rests the task is blocked, so that ESP-IDF's automatic light sleep may stop the
//           machine. What other tasks post runs in wait() and attend(), between two steps of the node.
//           A network that goes takes the node off the net, and one that comes brings it back at once, without a
//           backoff; what the application asks for meanwhile stands.
// Threads   The node's task; post() any.
#pragma once

#include "ports/chip/chip_loop.h"
#include "ports/esp32/mailbox.h"
#include "ports/esp32/network.h"
#include "ports/esp32/partition_device.h"
#include "ports/esp32/tls_link.h"

namespace grid::port {

class Esp32Board final : public Board {
 public:
  // Before anything else; again does nothing.
  //   busy  There is no default event loop yet.
  //   io    No event file for the mailbox.
  Status open();
  // Whether the partition will do.
  //   not_found, invalid  As PartitionDevice::open().
  Status open_flash(std::string_view store) { return partition_.open(store, problem_); }
  void trust(const char* certificate) { link_.trust(certificate); }

  // Whose link goes up and down with the network from now on; null: nobody's.
  void attach(ChipLoop* loop);
  // Runs what was posted, and tells the node of the network.
  void attend();
  bool post(Mailbox::Work work, void* context) { return mailbox_.post(work, context); }
  // Of open() and open_flash(). Never null.
  const char* problem() const { return problem_.line(); }

  // Board
  std::uint64_t monotonic_ms() override;
  std::uint64_t wall_ms() override;
  void entropy(MutBytes out) override;
  storage::NorDevice* flash(std::string_view store) override;
  Status connect(const ServerAddress& server) override;
  transport::ByteLink& link() override { return link_; }
  const char* link_problem() const override;
  void wait(std::uint64_t ms_max) override;

 private:
  void follow_network();

  runtime::Problem problem_;
  Mailbox mailbox_;
  Network network_{mailbox_};
  PartitionDevice partition_;
  TlsLink link_;
  ChipLoop* loop_ = nullptr;
  bool is_refused_ = false;  // The last connect() found no network.
};

}  // namespace grid::port
