// SPDX-License-Identifier: Apache-2.0
//
// How a client link comes about: the name is looked up on libuv's pool (libwebsockets would block the loop for it),
// then each of its addresses is tried, until a handshake succeeds.

#include <netdb.h>

#include <algorithm>
#include <cstring>

#include "transport/lws/lws_body.h"

namespace grid::transport {
namespace {

// What may stand in a header, and end it not.
bool is_token(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

// A lookup outlives whoever asked for it, for a thread may be in it.
struct LwsContext::Body::Lookup {
  uv_getaddrinfo_t request{};
  Body* body = nullptr;  // Null: nobody wants to know any more.
  LinkId link = 0;

  static void on_done(uv_getaddrinfo_t* request, int error, addrinfo* found) {
    const std::unique_ptr<Lookup> self(static_cast<Lookup*>(request->data));
    if (self->body != nullptr) {
      self->body->lookups_.erase(self.get());
      self->body->looked_up(self->link, error, found);
    }
    uv_freeaddrinfo(found);
  }
};

Result<LinkId> LwsContext::Body::connect(std::string_view url, std::string_view path, LinkListener& listener,
                                         std::string_view bearer) {
  const Result<Url> parsed = parse_url(url);
  if (!parsed.ok()) {
    return fail(Status::invalid, "cannot connect to " + std::string(url) + ": that is not ws://HOST:PORT");
  }
  if (!is_token(bearer)) return fail(Status::invalid, "the token to show is no text of one line");
  if (parsed->tls) GRID_TRY(trust());
  Link& link = add_link(listener);
  link.path = path;
  link.dial = std::make_unique<Dial>();
  link.dial->url = *parsed;
  link.dial->bearer = bearer;
  const LinkId id = link.id;
  const Status status = look_up(link);
  if (status == Status::ok) return id;
  links.erase(id);
  return status;
}

Status LwsContext::Body::look_up(Link& link) {
  const HostPort& at = link.dial->url.at;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  auto lookup = std::make_unique<Lookup>();
  lookup->body = this;
  lookup->link = link.id;
  lookup->request.data = lookup.get();
  const int error = uv_getaddrinfo(loop_, &lookup->request, &Lookup::on_done, at.host.c_str(),
                                   std::to_string(at.port).c_str(), &hints);
  if (error != 0) return fail(Status::io, "cannot look up " + at.host + ": " + uv_strerror(error));
  lookups_.insert(lookup.release());
  return Status::ok;
}

void LwsContext::Body::abandon_lookups() {
  for (Lookup* lookup : lookups_) {
    lookup->body = nullptr;
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup->request));
  }
  lookups_.clear();
}

void LwsContext::Body::looked_up(LinkId id, int error, const addrinfo* found) {
  Link* link = find(id);
  if (link == nullptr) return;
  Dial& dial = *link->dial;
  if (error != 0) dial.trouble = uv_strerror(error);
  for (; found != nullptr; found = found->ai_next) {
    SocketAddress address{};
    if (found->ai_addrlen > sizeof(address)) continue;
    std::memcpy(&address, found->ai_addr, found->ai_addrlen);
    dial.addresses.push_back(address);
  }
  dial_next(*link);
}

void LwsContext::Body::dial_next(Link& link) {
  Dial& dial = *link.dial;
  while (dial.next < dial.addresses.size()) {
    if (dial_one(link, dial.addresses[dial.next++])) return;
  }
  const LinkId id = link.id;
  // A server that refuses may hang up before its refusal is read.
  const char* silence =
      dial.url.tls ? "it hangs up while hands are shaken by TLS; does it want a client's certificate?" : "no answer";
  end(link, "cannot reach " + dial.url.text() + ": " + (dial.trouble.empty() ? silence : dial.trouble));
  links.erase(id);
}

// True when the attempt is under way, and its wsi has the last word on it.
bool LwsContext::Body::dial_one(Link& link, const SocketAddress& address) {
  Dial& dial = *link.dial;
  const std::string host = address.host();
  const std::string name = dial.url.at.text();
  lws_client_connect_info how{};
  how.context = context_;
  how.vhost = vhost_of(dial.url);
  how.address = host.c_str();
  how.port = dial.url.at.port;
  how.path = link.path.c_str();
  how.host = name.c_str();  // And no origin: that is what pages say.
  how.ssl_connection = dial.url.tls ? LCCSCF_USE_SSL : 0;
  how.alpn = "http/1.1";
  how.local_protocol_name = protocols_[0].name;
  how.opaque_user_data = reinterpret_cast<void*>(std::uintptr_t{link.id});
  how.retry_and_idle_policy = &validity_;

  dial.trouble.clear();
  dial.calling = true;
  lws* wsi = lws_client_connect_via_info(&how);
  dial.calling = false;
  link.wsi = wsi;
  refresh_timers();
  return wsi != nullptr;
}

// Into the head of the request: libwebsockets lends the room, and takes what was written.
int LwsContext::Body::show_token(const Link& link, std::uint8_t** at, std::size_t room) {
  if (link.dial == nullptr || link.dial->bearer.empty()) return 0;
  const std::string line = "Authorization: Bearer " + link.dial->bearer + "\r\n";
  if (line.size() > room) return -1;
  *at = std::copy(line.begin(), line.end(), *at);
  return 0;
}

}  // namespace grid::transport
