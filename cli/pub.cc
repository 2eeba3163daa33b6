// SPDX-License-Identifier: Apache-2.0
//
// pub TOPIC JSON: says something to whoever listens now.
#include "cli/argument.h"
#include "cli/channel.h"
#include "cli/print.h"

namespace grid::cli {

Exit pub(const Context& context, const PubOptions& options) {
  const std::string value = value_argument(options.json);
  Session session(on_net(context));
  session.require(session.node().topic(options.topic).publish(Value(as_bytes(value))));
  finish_channels(session);
  if (context.format != Format::automatic) {
    Report().text("topic", options.topic).text("outcome", "published").print(context.format);
  }
  return Exit::ok;
}

}  // namespace grid::cli
