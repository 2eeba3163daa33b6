// SPDX-License-Identifier: Apache-2.0
//
// Desk: the gateway for who has no replica: one question, or one write, at a time. A host's HTTP hands over what comes.
//
// Place     Beside session.h, below coordinator.h. Knows principals by their Permit, no link.
// Promises  SEC-1  What a device would be refused is refused here, in the same words of permit.h and policy.h.
//           P21    Who may see rows in part is shown them without what is hidden, and asks of what it is shown: no
//                  predicate tells anything of a hidden field.
//           P10    A write is the gateway's own, above everything that it ever merged.
// Ownership What a visitor is shown stands until it returns.
// Threads   None: the coordinator's.
#pragma once

#include <string>
#include <vector>

#include "runtime/call.h"
#include "runtime/query/query_engine.h"
#include "server/author.h"
#include "server/permit.h"
#include "server/policy.h"
#include "server/quota.h"
#include "server/row_finder.h"

namespace grid::server {

struct CoordinatorOptions;

struct DeskRow {
  std::string_view key;
  Bytes value;
  std::uint64_t expires_ms;
  crdt::Stamp stamp;
};

class Desk {
 public:
  // Makes no call on the coordinator.
  struct Visitor {
    void (*visit)(void* at, const DeskRow& row);
    void* at;
  };

  Desk(const CoordinatorOptions& options, Journal& journal, Author& author, RowFinder& finder, Quota& quota)
      : options_(options), journal_(journal), author_(author), finder_(finder), quota_(quota) {}

  // Shows the rows that stand, match, and may be seen; a page of them, which may be shorter than the limit, and empty:
  // one that goes through a map by key ends behind some thousand cells of it. cursor() says whether there is more.
  //   denied   No right says that anything of this map may be read; or rows are shown in part, and an order was asked
  //            for.
  //   busy     Indexes are being built; ask again.
  //   otherwise as QueryEngine::ask(): problem() says.
  Status ask(const Permit& who, const runtime::Question& question, const Visitor& visitor);
  // Behind the page; empty: there is no more.
  std::string_view cursor() const { return finder_.engine().cursor(); }

  // Whether a question about facts may be answered, which looks at all of the map.
  //   denied  Not all of it may be read.
  Status may_ask_facts(const Permit& who, std::string_view map);

  // Puts or removes a row as `call` says. A row that is to go and is not there is gone.
  //   denied            No right says that it may.
  //   invalid, conflict  A rule of the map says no, as Policy; or the name is none.
  //   too_large         The value.
  //   full              The app's quota.
  //   busy              Not just now, for the quota's rate or for want of room in the journal; nothing was written.
  //   io, corrupt       Of the journal; nothing was written.
  Status write(const Permit& who, const runtime::Call& call);

  // denied: nobody of this name is known.
  Status turn_away() { return refuse(Status::denied, "you have no business here"); }

  // The last refusal as a sentence.
  const std::string& problem() const { return problem_; }

 private:
  struct Sieve;

  Status refuse(Status status, std::string sentence);
  Status refuse(Right right, std::string_view map);
  Status compile(const Sight& sight, const runtime::Question& question, Sieve& sieve);
  Status judge(const Permit& who, const Proposal& write, bool& is_moot);

  const CoordinatorOptions& options_;
  Journal& journal_;
  Author& author_;
  RowFinder& finder_;
  Quota& quota_;
  std::uint64_t last_op_ = 0;  // The number of the last write in the quota: all who come here are as one device.
  std::string problem_;
};

}  // namespace grid::server
