// SPDX-License-Identifier: Apache-2.0
//
// The verbs of gridctl, each in the file of its name, and what the command line says to them.
//
// Place     Between main.cc, which alone knows CLI11, and the verbs. Knows nothing of a replica.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/failure.h"

namespace grid::cli {

enum class Format : std::uint8_t { automatic, table, json, ndjson, raw };

// The options that stand before or behind any verb.
struct Context {
  std::string target;  // Empty: the default, unless offline.
  std::string app = "default";
  std::string ca, certificate, key;    // Files, for wss://.
  std::string store;                   // Empty: the default store; with a target, none.
  std::string token_file;              // Empty: $GRID_TOKEN, or none.
  std::string key_file, old_key_file;  // Of the store. Empty: none.
  Format format = Format::automatic;
  bool offline = false;
};

struct BackupOptions {
  std::string file;
  std::string data;                                           // Empty: as data_or_default() says.
  std::uint64_t horizon_ms = 90 * std::uint64_t{86'400'000};  // As gridd has it unless told.
};

struct PutOptions {
  std::string map, key, json;
  std::uint64_t ttl_ms = 0;
};

struct KeyOptions {
  std::string map, key;
};

struct ListOptions {
  std::string map, prefix;
};

struct SetOptions {
  std::string map, key;
  std::string json;  // Empty: every value, of a remove.
  std::uint64_t ttl_ms = 0;
};

struct CounterOptions {
  std::string map, key;
  std::uint64_t by = 1;
};

struct ImportOptions {
  std::string map, file, key_field;
};

struct QueryOptions {
  std::string map, where, order, after;
  std::uint64_t limit = 0;  // 0: all rows.
  bool explain = false;
};

struct FactsOptions {
  std::string map, entity, predicate;
  std::string json;    // The object; empty: all of a remove.
  std::string file;    // To be imported.
  std::string schema;  // A file; empty: none.
  std::uint64_t ttl_ms = 0;
};

struct DatalogOptions {
  std::string map, query;
  std::string inputs;  // A JSON array; empty: none.
  bool explain = false;
  bool watch = false;
  std::uint64_t count = 0;   // 0: no limit.
  std::uint64_t for_ms = 0;  // 0: no limit.
};

struct SearchOptions {
  std::string map, text, after;
  std::uint64_t limit = 0;  // 0: as the server likes.
  bool watch = false;
  std::uint64_t count = 0;   // 0: no limit.
  std::uint64_t for_ms = 0;  // 0: no limit.
};

struct WatchOptions {
  std::string map, prefix, where;
  std::uint64_t count = 0;   // 0: no limit.
  std::uint64_t for_ms = 0;  // 0: no limit.
};

struct PubOptions {
  std::string topic, json;
};

struct SubOptions {
  std::string filter;
  std::uint64_t count = 0;   // 0: no limit.
  std::uint64_t for_ms = 0;  // 0: no limit.
};

struct RoomOptions {
  std::string name, json;
  std::uint64_t count = 0;     // 0: no limit.
  std::uint64_t for_ms = 0;    // 0: no limit.
  std::uint64_t lease_ms = 0;  // 0: the usual.
};

struct SyncOptions {
  std::vector<std::string> maps;  // Empty: all of them.
  std::string where;              // Empty: all rows; else of the one map.
  std::string query, inputs;      // Of Datalog; empty: none. The facts of the one map that it looks at.
  std::uint64_t timeout_ms = 60'000;
};

struct SchemaOptions {
  std::string map, json;
};

struct LetterOptions {
  std::uint64_t id = 0;
};

struct MerkleOptions {
  std::string map;  // Empty: all of them.
};

struct EnrollOptions {
  std::string data;  // Empty: the default.
  std::string name;
  std::vector<std::string> roles;
  std::uint64_t expires_ms = 0;  // 0: never.
  bool renew = false;
};

struct BudgetOptions {
  std::uint64_t every_ms = 1'000;      // Between two writes.
  std::uint64_t value_bytes = 0;       // 0: as long as those in the image are on average.
  std::uint64_t erases_max = 100'000;  // What a sector stands.
};

struct SalvageOptions {
  std::string out;
};

// Each throws a Failure when it can't do what was asked.
Exit put(const Context& context, const PutOptions& options);
Exit get(const Context& context, const KeyOptions& options);
Exit rm(const Context& context, const KeyOptions& options);
Exit ls(const Context& context, const ListOptions& options);
Exit or_add(const Context& context, const SetOptions& options);
Exit or_remove(const Context& context, const SetOptions& options);
Exit or_values(const Context& context, const SetOptions& options);
Exit or_keys(const Context& context, const ListOptions& options);
Exit counter_incr(const Context& context, const CounterOptions& options);
Exit counter_decr(const Context& context, const CounterOptions& options);
Exit counter_reset(const Context& context, const CounterOptions& options);
Exit counter_value(const Context& context, const CounterOptions& options);
Exit counter_ls(const Context& context, const ListOptions& options);
Exit import_file(const Context& context, const ImportOptions& options);
Exit export_map(const Context& context, const ListOptions& options);
Exit query(const Context& context, const QueryOptions& options);
Exit facts_import(const Context& context, const FactsOptions& options);
Exit facts_ls(const Context& context, const ListOptions& options);
Exit facts_get(const Context& context, const FactsOptions& options);
Exit facts_set(const Context& context, const FactsOptions& options);
Exit facts_add(const Context& context, const FactsOptions& options);
Exit facts_remove(const Context& context, const FactsOptions& options);
Exit facts_delete(const Context& context, const FactsOptions& options);
Exit facts_check(const Context& context, const FactsOptions& options);
Exit datalog(const Context& context, const DatalogOptions& options);
Exit search(const Context& context, const SearchOptions& options);
Exit watch(const Context& context, const WatchOptions& options);
Exit pub(const Context& context, const PubOptions& options);
Exit sub(const Context& context, const SubOptions& options);
Exit room_join(const Context& context, const RoomOptions& options);
Exit room_status(const Context& context, const RoomOptions& options);
Exit room_events(const Context& context, const RoomOptions& options);
Exit room_tell(const Context& context, const RoomOptions& options);
Exit sync(const Context& context, const SyncOptions& options);
Exit subs(const Context& context);
Exit status(const Context& context);
Exit status_of_server(const Context& context);
Exit server_config(const Context& context, const EnrollOptions& options);
Exit server_devices(const Context& context);
Exit server_backup(const Context& context, const BackupOptions& options);
Exit server_restore(const Context& context, const BackupOptions& options);
Exit clock(const Context& context);
Exit merkle(const Context& context, const MerkleOptions& options);
Exit oplog(const Context& context);
Exit schema_set(const Context& context, const SchemaOptions& options);
Exit schema_check(const Context& context, const SchemaOptions& options);
Exit schema_show(const Context& context, const SchemaOptions& options);
Exit deadletter_ls(const Context& context);
Exit deadletter_show(const Context& context, const LetterOptions& options);
Exit deadletter_retry(const Context& context, const LetterOptions& options);
Exit deadletter_discard(const Context& context, const LetterOptions& options);
Exit server_enroll(const Context& context, const EnrollOptions& options);
Exit server_tokens(const Context& context, const EnrollOptions& options);
Exit server_revoke(const Context& context, const EnrollOptions& options);
Exit server_forget(const Context& context, const EnrollOptions& options);
Exit flash_wear(const Context& context);
Exit flash_budget(const Context& context, const BudgetOptions& options);
Exit flash_check(const Context& context);
Exit flash_salvage(const Context& context, const SalvageOptions& options);

}  // namespace grid::cli
