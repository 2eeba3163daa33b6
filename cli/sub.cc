// SPDX-License-Identifier: Apache-2.0
//
// sub FILTER: prints what is said on the topics that the filter stands for, a line each, as it happens.
#include <cstdio>

#include "cli/channel.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

std::string line_of(const Heard& heard, bool is_raw) {
  const std::string value = json::json_from_value(heard.value);
  if (is_raw) return value + "\n";
  return "{\"topic\":" + json_text(heard.name) + ",\"from\":\"" + hex(heard.member) + "\",\"value\":" + value + "}\n";
}

struct Subscriber {
  Told told;
  bool is_raw = false;

  void hear(const Heard& heard) {
    switch (heard.kind) {
      case Heard::Kind::message:
        told.print(line_of(heard, is_raw));
        ++told.count;
        return;
      case Heard::Kind::lost:
        return told.print("{\"lost\":" + std::to_string(heard.count) + "}\n");
      case Heard::Kind::gap:
        return told.print("{\"gap\":true}\n");
      case Heard::Kind::refused:
        told.refused = heard.status;
        return;
      default:
        return;
    }
  }
};

}  // namespace

Exit sub(const Context& context, const SubOptions& options) {
  Session session(on_net(context));
  Subscriber subscriber{.told = {.count_max = options.count}, .is_raw = context.format == Format::raw};
  const Listening listening =
      session.node().topic(options.filter).listen([at = &subscriber](const Heard& heard) { at->hear(heard); });
  session.require(listening.status());
  finish_channels(session);
  std::fprintf(stderr, "gridctl: listening to %s\n", options.filter.c_str());
  return listen(session, subscriber.told, options.for_ms);
}

}  // namespace grid::cli
