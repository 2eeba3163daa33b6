// SPDX-License-Identifier: Apache-2.0
//
// Of lwIP's sockets: what ports/esp32 uses. Where the machine has sockets of its own, those.
#pragma once

#if __has_include(<sys/socket.h>)
#include <sys/select.h>
#include <sys/socket.h>
#else
#include <sys/select.h>
#include <sys/time.h>

using socklen_t = unsigned int;

#define SOL_SOCKET 0xfff
#define SO_ERROR 0x1007

extern "C" {
int getsockopt(int socket, int level, int name, void* value, socklen_t* size);
int select(int count, fd_set* bytes, fd_set* room, fd_set* errors, timeval* time);
}
#endif
