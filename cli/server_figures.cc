// SPDX-License-Identifier: Apache-2.0
#include "cli/server_figures.h"

#include <uv.h>

#include <optional>

#include "cli/failure.h"
#include "cli/session.h"
#include "transport/lws/lws_context.h"
#include "transport/lws/uv_handle.h"
#include "transport/wire.h"

namespace grid::cli {
namespace {

using transport::LinkId;
using wire::Kind;

// Of all onlookers: a server that is asked once a minute for years remembers one more node, not a million.
constexpr crdt::NodeId kOnlooker = 1;

class Loop {
 public:
  Loop() {
    if (uv_loop_init(&loop_) != 0) throw Failure(Exit::failure, "no event loop is to be had");
  }
  ~Loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  uv_loop_t* get() { return &loop_; }

 private:
  uv_loop_t loop_{};
};

class Onlooker final : public transport::LinkListener {
 public:
  Onlooker(transport::LwsContext& context, const std::string& app) : context_(context), app_(app) {}

  bool accepts(std::string_view) override { return false; }
  void on_open(LinkId link, std::string_view, std::string_view) override { context_.want_write(link); }
  void on_frame(LinkId link, Bytes frame) override;
  std::optional<std::size_t> on_writable(LinkId, MutBytes room) override;
  void on_close(LinkId, std::string_view reason) override { end(std::string(reason)); }

  bool is_over() const { return is_over_; }
  // Empty: none came, and problem() says why.
  const std::string& figures() const { return figures_; }
  const std::string& problem() const { return problem_; }

 private:
  void end(const std::string& problem) {
    is_over_ = true;
    problem_ = problem;
  }
  void take(Bytes frame);
  Bytes hello(MutBytes room) const;

  transport::LwsContext& context_;
  const std::string& app_;
  bool is_greeted_ = false;
  bool is_over_ = false;
  std::string figures_, problem_;
};

void Onlooker::on_frame(LinkId link, Bytes frame) {
  const Result<Kind> kind = wire::kind_of(frame);
  if (!kind.ok()) return end("it sent what makes no sense");
  if (*kind == Kind::welcome) return context_.want_write(link);
  if (*kind == Kind::inspect_reply) return take(frame);
  grid_Bye bye = grid_Bye_init_zero;
  if (*kind == Kind::bye && wire::decode(frame, bye) == Status::ok) end(bye.reason);
}

void Onlooker::take(Bytes frame) {
  end("it does not tell");
  wire::OpsReader reader;
  crdt::Op op;
  if (reader.open(frame) != Status::ok || !reader.next(op)) return;
  if (Value(op.cell.value).kind() == ValueKind::record) figures_ = as_text(op.cell.value);
}

Bytes Onlooker::hello(MutBytes room) const {
  grid_Hello hello = grid_Hello_init_zero;
  hello.protocol_min = wire::kProtocolMin;
  hello.protocol_max = wire::kProtocolMax;
  app_.copy(hello.app, sizeof(hello.app) - 1);
  hello.node = kOnlooker;
  hello.frame_bytes_max = hello.value_bytes_max = kValueBytesMax;
  return wire::encode(hello, room);
}

std::optional<std::size_t> Onlooker::on_writable(LinkId, MutBytes room) {
  if (!std::exchange(is_greeted_, true)) return hello(room).size();
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 1;
  std::string_view("status").copy(ask.topic, sizeof(ask.topic) - 1);
  return wire::encode(ask, room).size();
}

}  // namespace

std::string server_figures(const std::string& url, const std::string& app) {
  Loop loop;
  const transport::UvHandle<uv_timer_t> patience;
  uv_timer_init(loop.get(), patience.get());
  bool is_late = false;
  patience.get()->data = &is_late;
  transport::LwsContext context;
  const Status opened = context.open(loop.get(), {.links_max = 1});
  Onlooker onlooker(context, app);
  const Result<LinkId> link = context.connect(url, "/v1/" + app, onlooker);
  if (opened != Status::ok || !link.ok()) throw Failure(Exit::usage, context.problem());
  uv_timer_start(
      patience.get(), [](uv_timer_t* timer) { *static_cast<bool*>(timer->data) = true; }, kPatienceMs, 0);
  while (!onlooker.is_over() && !is_late) uv_run(loop.get(), UV_RUN_ONCE);
  if (!onlooker.figures().empty()) return onlooker.figures();
  const std::string why = is_late ? "no answer in time" : onlooker.problem();
  const bool names_it = why.find(url) != std::string::npos;
  throw Failure(Exit::unreachable, names_it ? why : "cannot reach " + url + ": " + why);
}

}  // namespace grid::cli
