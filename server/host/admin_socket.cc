// SPDX-License-Identifier: Apache-2.0

#include "server/host/admin_socket.h"

#include <algorithm>
#include <utility>

#include "transport/json/value_json.h"

namespace grid::server {

using crdt::Value;
using crdt::ValueKind;

namespace {

std::string last_line(const AdminAnswer& answer) {
  std::string line = std::string("{\"status\":\"") + name_of(answer.status) + "\"";
  if (answer.status != Status::ok) {
    line += ",\"problem\":";
    json::append_json_text(line, answer.problem);
  }
  return line + "}\n";
}

AdminAnswer answer_to(std::string_view line, AdminDesk& desk) {
  std::string canonical;
  json::JsonError error;
  if (json::value_from_json(line, canonical, error) != Status::ok) {
    return AdminAnswer::refuse(Status::invalid, "the question is no JSON: " + error.sentence);
  }
  const Value question(as_bytes(canonical));
  if (question["verb"].kind() != ValueKind::text) {
    return AdminAnswer::refuse(Status::invalid, "the question has no verb");
  }
  return desk.answer(question);
}

}  // namespace

// One who asks: a connection, its question, and the answer that is on its way.
class AdminSocket::Guest {
 public:
  explicit Guest(AdminSocket& socket) : socket_(socket) {
    uv_pipe_init(socket.loop_, pipe_.get(), 0);
    pipe_.get()->data = this;
  }
  // A write that is under way is told that it was cancelled when this is gone.
  ~Guest() { pipe_.get()->data = nullptr; }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  uv_pipe_t* pipe() { return pipe_.get(); }
  void listen();

 private:
  // What libuv may need longer than the guest stays.
  struct Writing {
    uv_write_t request{};
    std::string text;
  };

  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(pipe_.get()); }
  void heard(ssize_t size);
  void say(std::string text);

  AdminSocket& socket_;
  transport::UvHandle<uv_pipe_t> pipe_;
  std::string asked_;
  char heard_[4'096]{};
};

void AdminSocket::Guest::listen() {
  uv_read_start(
      stream(),
      [](uv_handle_t* pipe, std::size_t, uv_buf_t* room) {
        Guest& guest = *static_cast<Guest*>(pipe->data);
        *room = uv_buf_init(guest.heard_, sizeof(guest.heard_));
      },
      [](uv_stream_t* pipe, ssize_t size, const uv_buf_t*) {
        if (size != 0) static_cast<Guest*>(pipe->data)->heard(size);
      });
}

void AdminSocket::Guest::heard(ssize_t size) {
  if (size < 0) return socket_.let_go(*this);
  asked_.append(heard_, static_cast<std::size_t>(size));
  const std::size_t end = asked_.find('\n');
  if (end == std::string::npos && asked_.size() <= kAskBytesMax) return;
  uv_read_stop(stream());
  AdminAnswer answer = end == std::string::npos ? AdminAnswer::refuse(Status::too_large, "the question is too long")
                                                : answer_to(std::string_view(asked_).substr(0, end), socket_.desk_);
  say(std::move(answer.lines) + last_line(answer));
}

void AdminSocket::Guest::say(std::string text) {
  auto* const writing = new Writing{.text = std::move(text)};
  writing->request.data = writing;
  uv_buf_t buffer = uv_buf_init(writing->text.data(), static_cast<unsigned>(writing->text.size()));
  const int status = uv_write(&writing->request, stream(), &buffer, 1, [](uv_write_t* request, int) {
    Guest* const guest = static_cast<Guest*>(request->handle->data);
    delete static_cast<Writing*>(request->data);
    if (guest != nullptr) guest->socket_.let_go(*guest);
  });
  if (status == 0) return;
  delete writing;
  socket_.let_go(*this);
}

AdminSocket::AdminSocket(uv_loop_t* loop, AdminDesk& desk)
    : loop_(loop),
      desk_(desk),
      listener_(
          loop, "the admin socket", [](void* self) { static_cast<AdminSocket*>(self)->welcome(); }, this) {}

AdminSocket::~AdminSocket() = default;

void AdminSocket::welcome() {
  auto guest = std::make_unique<Guest>(*this);
  if (!listener_.accept(guest->pipe())) return;
  if (guests_.size() == kGuestsMax) return;  // Turned away: its connection goes with it.
  guest->listen();
  guests_.push_back(std::move(guest));
}

void AdminSocket::let_go(Guest& guest) {
  std::erase_if(guests_, [&guest](const std::unique_ptr<Guest>& one) { return one.get() == &guest; });
}

}  // namespace grid::server
