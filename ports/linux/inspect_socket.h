// SPDX-License-Identifier: Apache-2.0
//
// InspectSocket: a Unix socket at which a device on Linux lets itself be looked into, by its own user.
//
// Place     Within ports/linux, for LinuxHost. The bytes are those of a serial line (transport/stream).
// Promises  The socket's file can be used by its owner alone from its first moment on. A file that a dead process left
//           is replaced, one of a living process never; at the end the file goes, if it is still this one's.
//           BND-1  kGuestsMax look at a time; who comes then is turned away.
// Ownership Borrows loop, inspector and host for life. The loop runs once more after this is gone.
// Threads   One: the loop's.
#pragma once

#include <sys/stat.h>
#include <uv.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/inspector.h"
#include "transport/lws/uv_handle.h"

namespace grid::port {

class InspectSocket {
 public:
  static constexpr std::size_t kGuestsMax = 4;

  // Who knows the state of the replica.
  class Host {
   public:
    virtual runtime::ReplicaStatus inspected_status() = 0;

   protected:
    ~Host() = default;
  };

  InspectSocket(uv_loop_t* loop, runtime::Inspector& inspector, Host& host);
  ~InspectSocket();
  InspectSocket(const InspectSocket&) = delete;
  InspectSocket& operator=(const InspectSocket&) = delete;

  //   invalid  The path is empty or too long, or something else than a socket is there.
  //   busy     A living process listens there.
  //   denied   The folder may not be written.
  //   io       Anything else that the system refuses.
  Status listen(const std::string& path);
  const std::string& problem() const { return problem_; }

 private:
  class Guest;

  Status refuse(Status status, const std::string& sentence);
  Status bind(int socket);
  Status make_room();
  void welcome();
  void let_go(Guest& guest);

  uv_loop_t* loop_;
  runtime::Inspector& inspector_;
  Host& host_;
  std::string path_;
  std::string problem_;
  struct stat file_ {};  // Once it is ours.
  std::unique_ptr<transport::UvHandle<uv_pipe_t>> pipe_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

}  // namespace grid::port
