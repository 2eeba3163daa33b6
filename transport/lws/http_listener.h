// SPDX-License-Identifier: Apache-2.0
//
// HttpListener: what a server's owner hears of HTTP requests on the port of its links, and how it answers them.
//
// Place     Beside link_listener.h. Knows requests and bytes, no routes but GET /healthz, which never comes here.
// Promises  Bodies come and go in pieces, each way only as fast as the other end takes them; none is held whole.
//           Of each exchange there is one last word, and nothing after it.
// Ownership All arguments are borrowed until return. The listener outlives its server.
// Threads   One: the loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crdt/base/bytes.h"
#include "transport/lws/admission.h"

namespace grid::transport {

using ExchangeId = std::uint64_t;  // One request and its answer; never used again by the same context.

enum class Method : std::uint8_t { get, head, post, put, remove };

using Fields = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  Method method = Method::get;
  std::string_view path;  // Decoded, without the query.
  Fields query;           // Decoded, in order.
  Caller caller;
  std::string_view accept;
  std::string_view content_type;
  std::string_view range;
  std::uint64_t body_bytes = 0;  // Which are still to come.
};

// The answer to a HEAD is given as to a GET; its body stays here.
struct HttpAnswer {
  std::uint16_t status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Fields headers{};                     // Beyond that and the length.
  std::string body{};                   // All of it; or else it is streamed:
  bool is_streamed = false;             // on_answer_room() gives it piece by piece,
  std::optional<std::uint64_t> size{};  // so many bytes, when they are known.
};

// Every call back may make calls on the context, but not destroy it.
class HttpListener {
 public:
  // The head of a request. It is answered by LwsContext::answer(), now or later, at the latest some time after
  // on_body_end(); who answers before the body has come hears no more of the body.
  virtual void on_request(ExchangeId exchange, const HttpRequest& request) = 0;
  virtual void on_body(ExchangeId exchange, Bytes piece) = 0;
  virtual void on_body_end(ExchangeId exchange) = 0;
  // The next piece of a streamed answer, in the front of `room`. 0: that was all. Nothing: there is no piece yet;
  // LwsContext::want_answer() asks for another call.
  virtual std::optional<std::size_t> on_answer_room(ExchangeId exchange, MutBytes room) = 0;
  // The last word. Whether the answer was handed to the kernel whole.
  virtual void on_exchange_end(ExchangeId exchange, bool is_whole) = 0;

 protected:
  ~HttpListener() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::transport
