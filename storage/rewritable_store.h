// SPDX-License-Identifier: Apache-2.0
//
// RewritableStore: a Store that a decorator can be built on: it also lets the value of a record be replaced in place.
//
// Place     Beside store.h, whose promises all hold. What changes values without changing what they mean (encryption
//           that gets another key, say) needs it: a record that is appended anew has another sequence, and with it
//           another place in the queue of unsent ops and in every cursor.
#pragma once

#include "storage/store.h"

namespace grid::storage {

// What a decorator may add to a value of kValueBytesMax.
inline constexpr std::size_t kDecorationBytesMax = 1'024;

class RewritableStore : public Store {
 public:
  // Gives the record `seq`, which readers see, another value, in the index too where it stands there.
  //   not_found  No such record.
  //   too_large, full, corrupt, io  As append().
  virtual Status rewrite(Seq seq, Bytes value) = 0;

 protected:
  ~RewritableStore() = default;
};

}  // namespace grid::storage
