// SPDX-License-Identifier: Apache-2.0
//
// UnixListener: a Unix socket in the file system that its own user alone can come to.
//
// Place     Within ports/linux, below inspect_socket.h; and below the gateway's admin socket.
// Promises  The socket's file can be used by its owner alone from its first moment on. A file that a dead process left
//           is replaced, one of a living process never; at the end the file goes, if it is still this one's.
// Ownership Borrows the loop for life. The loop runs once more after this is gone.
// Threads   One: the loop's.
#pragma once

#include <sys/stat.h>
#include <uv.h>

#include <memory>
#include <string>

#include "crdt/base/status.h"
#include "transport/lws/uv_handle.h"

namespace grid::port {

class UnixListener {
 public:
  using Came = void (*)(void* owner);

  // `what` it is, for problem(): "the inspection socket". came(owner) is called for each connection, to accept() it.
  UnixListener(uv_loop_t* loop, const char* what, Came came, void* owner)
      : loop_(loop), what_(what), came_(came), owner_(owner) {}
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  //   invalid  The path is empty or too long, or something else than a socket is there.
  //   busy     A living process listens there.
  //   denied   The folder may not be written.
  //   io       Anything else that the system refuses.
  Status listen(const std::string& path, int backlog);
  // The next connection, into a pipe that was initialised. False: there is none after all.
  bool accept(uv_pipe_t* into);
  const std::string& problem() const { return problem_; }

 private:
  Status refuse(Status status, const std::string& sentence);
  Status bind(int socket);
  Status make_room();

  uv_loop_t* loop_;
  const char* what_;
  Came came_;
  void* owner_;
  std::string path_;
  std::string problem_;
  struct stat file_ {};  // Once it is ours.
  std::unique_ptr<transport::UvHandle<uv_pipe_t>> pipe_;
};

}  // namespace grid::port
