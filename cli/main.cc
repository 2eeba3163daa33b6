// SPDX-License-Identifier: Apache-2.0
//
// gridctl: asks and tells a grid from the command line.
//
// Place     The only file that knows CLI11; each verb is in the file of its name.
// Promises  stdout is data, stderr is talk. Every end but success says one sentence on stderr and has its exit code.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "cli/duration.h"
#include "cli/line_verbs.h"
#include "cli/print.h"
#include "cli/target_line.h"
#include "cli/verbs.h"

namespace grid::cli {
namespace {

constexpr const char* kVersion = "gridctl 0.1.0";
constexpr const char* kAbout =
    "Asks and tells a grid: rows of JSON under keys, in maps, kept here and synced with a server.\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 difference or conflict, 5 not authorized,\n"
    "6 unreachable or timed out, 7 corrupt, 8 partial.";

struct Verbs {
  Context context;
  PutOptions put;
  BackupOptions backup;
  KeyOptions get, rm;
  ListOptions ls, export_map;
  SetOptions set;
  CounterOptions counter;
  ImportOptions import_file;
  bool of_server = false;
  WatchOptions watch;
  PubOptions pub;
  SubOptions sub;
  RoomOptions room;
  QueryOptions query;
  FactsOptions facts;
  DatalogOptions datalog;
  SearchOptions search;
  SyncOptions sync;
  LetterOptions letter;
  SchemaOptions schema;
  MerkleOptions merkle;
  EnrollOptions enroll;
  BudgetOptions budget;
  SalvageOptions salvage;
  std::function<Exit()> chosen;
};

// An option whose text `read` understands, or else tells what would have been right.
template <typename Read>
CLI::Option* add_parsed(CLI::App& app, const std::string& name, const char* type, const std::string& about, Read read) {
  const auto set = [name, read](const std::string& text) {
    if (const char* right = read(text)) throw CLI::ValidationError(name + " '" + text + "' is not " + right);
  };
  return app.add_option_function<std::string>(name, set, about)->type_name(type);
}

void add_duration(CLI::App& verb, const std::string& name, std::uint64_t& into_ms, const std::string& about) {
  add_parsed(verb, name, "DURATION", about, [&into_ms](const std::string& text) {
    const std::optional<std::uint64_t> duration_ms = milliseconds_of(text);
    if (duration_ms) into_ms = *duration_ms;
    return duration_ms ? nullptr : "a duration, such as 500ms, 10s, 2m, 1h or 90d";
  });
}

const char* read_count(const std::string& text, std::uint64_t& into) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, into);
  const bool is_good = error == std::errc{} && rest == end && into != 0 && into <= INT64_MAX;
  return is_good ? nullptr : "a number from 1 up";
}

void add_count(CLI::App& verb, const std::string& name, std::uint64_t& into, const std::string& about) {
  add_parsed(verb, name, "N", about, [&into](const std::string& text) { return read_count(text, into); });
}

void add_text(CLI::App& app, const std::string& name, std::string& into, const char* type, const std::string& about) {
  add_parsed(app, name, type, about, [&into](const std::string& text) {
    into = text;
    return text.empty() ? "allowed to be empty" : nullptr;
  });
}

const char* read_format(const std::string& text, Format& into) {
  into = text == "table"    ? Format::table
         : text == "json"   ? Format::json
         : text == "ndjson" ? Format::ndjson
         : text == "raw"    ? Format::raw
                            : Format::automatic;
  return into == Format::automatic ? "table, json, ndjson or raw" : nullptr;
}

CLI::App* add_verb(CLI::App& app, Verbs& verbs, const std::string& name, const std::string& about,
                   std::function<Exit()> run) {
  CLI::App* verb = app.add_subcommand(name, about);
  verb->callback([&verbs, run = std::move(run)] { verbs.chosen = run; });
  return verb;
}

void add_map(CLI::App* verb, std::string& map) { verb->add_option("MAP", map, "The map")->required(); }
void add_key(CLI::App* verb, std::string& key) { verb->add_option("KEY", key, "The key")->required(); }

void add_context(CLI::App& app, Context& context) {
  add_text(
      app, "--target", context.target, "URL",
      "The server [ws://127.0.0.1:7271]; without --store nothing is kept here. serial:DEVICE[@BAUD] and unix:PATH are "
      "a device to look into (given up after 5 s without a whole answer, or a minute of asking again; exit code 6), "
      "image:FILE is a chip's flash");
  add_text(app, "--app", context.app, "NAME", "The tenant [default]");
  add_text(app, "--ca", context.ca, "FILE", "Whom to trust at wss://, PEM [the system's store]");
  add_text(app, "--cert", context.certificate, "FILE", "The certificate to show to a server that asks, PEM");
  add_text(app, "--key", context.key, "FILE", "Its private key, PEM");
  add_text(app, "--store", context.store, "DIR", "The replica on this disk [$XDG_DATA_HOME/grid/APP]");
  add_text(app, "--key-file", context.key_file, "FILE", "The key of that store; credential:NAME is systemd's");
  add_text(app, "--old-key-file", context.old_key_file, "FILE", "The key before it: brings the store to the other one");
  add_parsed(app, "-o", "FORMAT", "table, json, ndjson or raw [table on a terminal, else ndjson]",
             [&context](const std::string& text) { return read_format(text, context.format); });
  add_text(app, "--token-file", context.token_file, "FILE", "Who this is, to the server: a token [$GRID_TOKEN]");
  app.add_flag("--offline", context.offline, "Stay off the net");
}

void add_row_verbs(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "put", "Write a row", [&v] { return put(v.context, v.put); });
  add_map(verb, v.put.map);
  add_key(verb, v.put.key);
  verb->add_option("JSON", v.put.json, "The value; - reads it from stdin")->required();
  add_duration(*verb, "--ttl", v.put.ttl_ms, "Let it expire");

  verb = add_verb(app, v, "get", "Print a row", [&v] { return get(v.context, v.get); });
  add_map(verb, v.get.map);
  add_key(verb, v.get.key);

  verb = add_verb(app, v, "rm", "Remove a row", [&v] { return rm(v.context, v.rm); });
  add_map(verb, v.rm.map);
  add_key(verb, v.rm.key);

  verb = add_verb(app, v, "ls", "List rows by key", [&v] { return ls(v.context, v.ls); });
  add_map(verb, v.ls.map);
  verb->add_option("PREFIX", v.ls.prefix, "Only keys that begin so");
}

void add_set_verbs(CLI::App& app, Verbs& v) {
  CLI::App* sets = app.add_subcommand("or", "A map of sets: a key holds values, and an add beats a remove");
  sets->require_subcommand(1);
  CLI::App* verb = add_verb(*sets, v, "add", "Add a value", [&v] { return or_add(v.context, v.set); });
  add_map(verb, v.set.map);
  add_key(verb, v.set.key);
  verb->add_option("JSON", v.set.json, "The value; - reads it from stdin")->required();
  add_duration(*verb, "--ttl", v.set.ttl_ms, "Let it expire");

  verb = add_verb(*sets, v, "remove", "Remove a value, or all of a key", [&v] { return or_remove(v.context, v.set); });
  add_map(verb, v.set.map);
  add_key(verb, v.set.key);
  verb->add_option("JSON", v.set.json, "The value [all that are seen here]");

  verb = add_verb(*sets, v, "values", "Print what a key holds", [&v] { return or_values(v.context, v.set); });
  add_map(verb, v.set.map);
  add_key(verb, v.set.key);

  verb = add_verb(*sets, v, "keys", "List keys that hold something", [&v] { return or_keys(v.context, v.ls); });
  add_map(verb, v.ls.map);
  verb->add_option("PREFIX", v.ls.prefix, "Only keys that begin so");
}

void add_counter_verbs(CLI::App& app, Verbs& v) {
  CLI::App* counters =
      app.add_subcommand("counter", "A map of counters: what replicas add at the same time all counts");
  counters->require_subcommand(1);
  const auto add = [&](const char* name, const char* about, Exit (*run)(const Context&, const CounterOptions&)) {
    CLI::App* verb = add_verb(*counters, v, name, about, [&v, run] { return run(v.context, v.counter); });
    add_map(verb, v.counter.map);
    add_key(verb, v.counter.key);
    return verb;
  };
  CLI::App* up = add("incr", "Add to it", counter_incr);
  CLI::App* down = add("decr", "Take from it", counter_decr);
  for (CLI::App* verb : {up, down}) {
    add_parsed(*verb, "N", "N", "How much [1]",
               [&v](const std::string& text) { return read_count(text, v.counter.by); });
  }
  add("reset", "Take away what is seen here", counter_reset);
  add("value", "Print it", counter_value);
  CLI::App* verb = add_verb(*counters, v, "ls", "List counters", [&v] { return counter_ls(v.context, v.ls); });
  add_map(verb, v.ls.map);
  verb->add_option("PREFIX", v.ls.prefix, "Only keys that begin so");
}

void add_map_verbs(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "import", "Put every row of a CSV, NDJSON or JSON array",
                            [&v] { return import_file(v.context, v.import_file); });
  add_map(verb, v.import_file.map);
  verb->add_option("FILE", v.import_file.file, "The file; - is stdin")->required();
  add_text(*verb, "--key", v.import_file.key_field, "FIELD", "Where the keys are [id, key, or a CSV's first column]");

  verb = add_verb(app, v, "export", "Print a whole map as NDJSON, sorted by key",
                  [&v] { return export_map(v.context, v.export_map); });
  add_map(verb, v.export_map.map);

  verb = add_verb(app, v, "watch", "Print rows and then every change", [&v] { return watch(v.context, v.watch); });
  add_map(verb, v.watch.map);
  verb->add_option("PREFIX", v.watch.prefix, "Only keys that begin so");
  add_text(*verb, "--where", v.watch.where, "PRED", "Only rows that it accepts (docs/queries.md)");
  add_count(*verb, "--count", v.watch.count, "End after so many lines");
  add_duration(*verb, "--for", v.watch.for_ms, "End after this time");
}

CLI::App* add_room_verb(CLI::App& room, Verbs& v, const std::string& name, const std::string& about,
                        Exit (*run)(const Context&, const RoomOptions&)) {
  CLI::App* verb = add_verb(room, v, name, about, [&v, run] { return run(v.context, v.room); });
  verb->add_option("NAME", v.room.name, "The room")->required();
  return verb;
}

void add_channel_verbs(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "pub", "Say something on a topic, to whoever listens now",
                            [&v] { return pub(v.context, v.pub); });
  verb->add_option("TOPIC", v.pub.topic, "The topic, levels between slashes")->required();
  verb->add_option("JSON", v.pub.json, "The value; - reads it from stdin")->required();

  verb = add_verb(app, v, "sub", "Print what is said on topics", [&v] { return sub(v.context, v.sub); });
  verb->add_option("FILTER", v.sub.filter, "+ stands for one level, # at the end for any number")->required();
  add_count(*verb, "--count", v.sub.count, "End after so many messages");
  add_duration(*verb, "--for", v.sub.for_ms, "End after this time");

  CLI::App* room = app.add_subcommand("room", "Who is there, how they are, and what happens");
  room->require_subcommand(1);
  verb = add_room_verb(*room, v, "join", "Be in a room, and print what happens there", room_join);
  add_text(*verb, "--status", v.room.json, "JSON", "Your status, for the others to see");
  add_duration(*verb, "--lease", v.room.lease_ms, "How long the server keeps you without a sign of life [15s]");
  add_count(*verb, "--count", v.room.count, "End after so many lines");
  add_duration(*verb, "--for", v.room.for_ms, "End after this time");
  verb = add_room_verb(*room, v, "events", "Print what happens in a room, without being in it", room_events);
  add_count(*verb, "--count", v.room.count, "End after so many lines");
  add_duration(*verb, "--for", v.room.for_ms, "End after this time");
  verb = add_room_verb(*room, v, "status", "Print a room's status and its members; or set it", room_status);
  verb->add_option("JSON", v.room.json, "The room's status; - reads it from stdin");
  verb = add_room_verb(*room, v, "tell", "Say something to all in a room", room_tell);
  verb->add_option("JSON", v.room.json, "The value; - reads it from stdin")->required();
}

void add_query_verb(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "query", "Print the rows that a predicate accepts (docs/queries.md)",
                            [&v] { return query(v.context, v.query); });
  add_map(verb, v.query.map);
  add_text(*verb, "--where", v.query.where, "PRED", "Only rows that it accepts: \"temp > 20 and site = 'Oslo'\"");
  add_text(*verb, "--order", v.query.order, "ORDER", "Sort by fields: 'temp desc, site' [by key]");
  add_count(*verb, "--limit", v.query.limit, "No more than so many rows");
  add_text(*verb, "--after", v.query.after, "CURSOR", "Go on behind the page that ended with it");
  verb->add_flag("--explain", v.query.explain, "Print how the rows were found, not the rows");
}

CLI::App* add_fact_verb(CLI::App& facts, Verbs& v, const std::string& name, const std::string& about,
                        Exit (*run)(const Context&, const FactsOptions&), bool of_entity = true) {
  CLI::App* verb = add_verb(facts, v, name, about, [&v, run] { return run(v.context, v.facts); });
  add_map(verb, v.facts.map);
  if (!of_entity) return verb;
  verb->add_option("ENTITY", v.facts.entity, "Its id; a text that is a number stands in double quotes")->required();
  return verb;
}

void add_fact_verbs(CLI::App& app, Verbs& v) {
  constexpr const char* kSchema = "What attributes are: {\"movie/cast\": \"refMany\", ...}";
  CLI::App* facts = app.add_subcommand("facts", "A map of entities made of facts: subject, predicate, object");
  facts->require_subcommand(1);
  CLI::App* verb = add_fact_verb(*facts, v, "import", "Write every fact of a file", facts_import, false);
  verb->add_option("FILE", v.facts.file, "JSON triples or records, NDJSON, or EDN transactions; - is stdin")
      ->required();
  add_text(*verb, "--schema", v.facts.schema, "FILE", kSchema);
  verb = add_verb(*facts, v, "ls", "List entities", [&v] { return facts_ls(v.context, v.ls); });
  add_map(verb, v.ls.map);
  verb->add_option("PREFIX", v.ls.prefix, "Only ids that begin so");
  verb = add_fact_verb(*facts, v, "get", "Print an entity, or one predicate of it", facts_get);
  verb->add_option("PREDICATE", v.facts.predicate, "Only this one");
  const auto add_write = [&](const char* name, const char* about, Exit (*run)(const Context&, const FactsOptions&)) {
    CLI::App* write = add_fact_verb(*facts, v, name, about, run);
    write->add_option("PREDICATE", v.facts.predicate, "The predicate")->required();
    add_text(*write, "--schema", v.facts.schema, "FILE", kSchema);
    write->add_option("JSON", v.facts.json, "The object; - reads it from stdin");
    return write;
  };
  for (CLI::App* write : {add_write("set", "Write the one object of a predicate", facts_set),
                          add_write("add", "Add one of the objects of a predicate", facts_add)}) {
    write->get_option("JSON")->required();
    add_duration(*write, "--ttl", v.facts.ttl_ms, "Let it expire");
  }
  add_write("remove", "Remove an object, or all of a predicate", facts_remove);
  add_fact_verb(*facts, v, "delete", "Delete an entity, for good", facts_delete);
  verb = add_fact_verb(*facts, v, "check", "What is missing, of another type, or not unique", facts_check, false);
  verb->add_option("--schema", v.facts.schema, kSchema)->type_name("FILE")->required();
}

void add_datalog_verb(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "datalog", "Answer a Datalog question about facts (docs/datalog.md)",
                            [&v] { return datalog(v.context, v.datalog); });
  add_map(verb, v.datalog.map);
  verb->add_option("QUERY", v.datalog.query, "[:find ... :where ...], in EDN")->required();
  add_text(*verb, "--in", v.datalog.inputs, "JSON", "An array: one element for each input behind $; of % EDN text");
  verb->add_flag("--explain", v.datalog.explain, "Print how it was answered, not the answer");
  verb->add_flag("--watch", v.datalog.watch, "Print rows as they enter the answer and leave it");
  add_count(*verb, "--count", v.datalog.count, "End a watch after so many lines");
  add_duration(*verb, "--for", v.datalog.for_ms, "End a watch after this time");
}

void add_search_verb(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "search", "Print the rows whose text has these words (docs/search.md)",
                            [&v] { return search(v.context, v.search); });
  add_map(verb, v.search.map);
  verb->add_option("TEXT", v.search.text, "Words; \"a phrase\"; begin* of a word; -word that is not to be there")
      ->required();
  add_count(*verb, "--limit", v.search.limit, "No more than so many hits [20]");
  add_text(*verb, "--after", v.search.after, "CURSOR", "Go on behind the page that ended with it");
  verb->add_flag("--watch", v.search.watch, "Print the answer again whenever it changes");
  add_count(*verb, "--count", v.search.count, "End after so many answers of a watch");
  add_duration(*verb, "--for", v.search.for_ms, "End a watch after this time");
}

void add_replica_verbs(CLI::App& app, Verbs& v) {
  CLI::App* verb = add_verb(app, v, "sync", "Push and pull until converged", [&v] { return sync(v.context, v.sync); });
  verb->add_option("--map", v.sync.maps, "Only this map; may be repeated")->type_name("MAP")->allow_extra_args(false);
  add_text(*verb, "--where", v.sync.where, "PRED", "Hold the rows of that map that it accepts, and no others");
  add_text(*verb, "--query", v.sync.query, "QUERY", "Hold the facts of that map that a Datalog question looks at");
  add_text(*verb, "--in", v.sync.inputs, "JSON", "Its inputs, as an array");
  add_duration(*verb, "--timeout", v.sync.timeout_ms, "Give up after this time [60s]");

  add_verb(app, v, "subs", "What this store has subscribed to, and how far it has come; of a --target all its links",
           [&v] { return subs(v.context); });
  verb = add_verb(app, v, "status", "This replica, and whether its server is there",
                  [&v] { return v.of_server ? status_of_server(v.context) : status(v.context); });
  verb->add_flag("--server", v.of_server, "Print what the server tells of itself, not this replica");
  add_verb(app, v, "oplog", "What a device still owes its server", [&v] { return oplog(v.context); });
  add_verb(app, v, "clock", "How far the clock is trusted", [&v] { return clock(v.context); });
  verb = add_verb(app, v, "merkle", "Digest of each map", [&v] { return merkle(v.context, v.merkle); });
  verb->add_option("MAP", v.merkle.map, "Only this map");
}

void add_backup_verbs(CLI::App& server, Verbs& v) {
  add_verb(server, v, "devices", "Which it remembers, when they were there, and how far they are behind",
           [&v] { return server_devices(v.context); });
  CLI::App* backup = add_verb(server, v, "backup", "Copy the journals of a data directory into a file, as gridd runs",
                              [&v] { return server_backup(v.context, v.backup); });
  CLI::App* restore = add_verb(server, v, "restore", "Make a data directory of such a file",
                               [&v] { return server_restore(v.context, v.backup); });
  for (CLI::App* verb : {backup, restore}) {
    verb->add_option("FILE", v.backup.file, "The file")->required();
  }
  add_duration(*restore, "--backup-horizon", v.backup.horizon_ms,
               "gridd's own, to be told of a backup beyond it [2160h]");
}

void add_schema_verbs(CLI::App& app, Verbs& v) {
  CLI::App* schemas = app.add_subcommand("schema", "What records are to be, kept in this replica (docs/schemas.md)");
  schemas->require_subcommand(1);
  CLI::App* verb = add_verb(*schemas, v, "set", "Hold what is written here against it; {} forgets it",
                            [&v] { return schema_set(v.context, v.schema); });
  add_map(verb, v.schema.map);
  verb->add_option("JSON", v.schema.json, "The schema; - reads it from stdin")->required();
  verb = add_verb(*schemas, v, "check", "List rows that are not as they should be; exit 4 if there are",
                  [&v] { return schema_check(v.context, v.schema); });
  add_map(verb, v.schema.map);
  verb = add_verb(*schemas, v, "show", "Print it", [&v] { return schema_show(v.context, v.schema); });
  add_map(verb, v.schema.map);
}

void add_letter_verbs(CLI::App& app, Verbs& v) {
  CLI::App* letters = app.add_subcommand("deadletter", "Writes of this replica that did not get through");
  letters->require_subcommand(1);
  add_verb(*letters, v, "ls", "List them, oldest first", [&v] { return deadletter_ls(v.context); });
  const auto add = [&](const char* name, const char* about, Exit (*run)(const Context&, const LetterOptions&)) {
    CLI::App* verb = add_verb(*letters, v, name, about, [&v, run] { return run(v.context, v.letter); });
    const auto read = [&v](const std::string& text) { return read_count(text, v.letter.id); };
    add_parsed(*verb, "ID", "ID", "As ls shows it", read)->required();
  };
  add("show", "Print one", deadletter_show);
  add("retry", "Write it again, as of now", deadletter_retry);
  add("discard", "Forget it, for good", deadletter_discard);
}

void add_enrolment_verbs(CLI::App& server, Verbs& v) {
  const auto add = [&](const char* name, const char* about, Exit (*run)(const Context&, const EnrollOptions&)) {
    return add_verb(server, v, name, about, [&v, run] { return run(v.context, v.enroll); });
  };
  CLI::App* enroll = add("enroll", "Give a device a token, and print it", server_enroll);
  enroll->add_option("--role", v.enroll.roles, "A role that it has; may be repeated")
      ->type_name("ROLE")
      ->allow_extra_args(false);
  add_duration(*enroll, "--expires", v.enroll.expires_ms, "How long the token holds [for ever]");
  enroll->add_flag("--renew", v.enroll.renew, "It has one already, which holds no more");
  add("config", "What a running gateway goes by, and where each value comes from", server_config);
  add("tokens", "List who was enrolled, and when they were seen last", server_tokens);
  CLI::App* revoke = add("revoke", "Take a token back, and end the links that are open with it", server_revoke);
  CLI::App* forget = add("forget", "Revoke, and let the name be enrolled anew", server_forget);
  for (CLI::App* verb : {enroll, revoke, forget}) {
    verb->add_option("NAME", v.enroll.name, "The device")->required();
  }
}

// A gateway of this machine, by its data directory and not over the net.
void add_server_verbs(CLI::App& app, Verbs& v) {
  CLI::App* server = app.add_subcommand("server", "A gateway of this machine: who may come, and backups");
  server->require_subcommand(1);
  add_parsed(*server, "--data", "DIR", "Its data directory [$GRIDD_DATA, else ./grid-data]",
             [&v](const std::string& text) {
               v.enroll.data = v.backup.data = text;
               return text.empty() ? "allowed to be empty" : nullptr;
             });
  add_backup_verbs(*server, v);
  add_enrolment_verbs(*server, v);
}

void add_flash_verbs(CLI::App& app, Verbs& v) {
  CLI::App* flash = app.add_subcommand("flash", "The flash of a chip, from its image (image:FILE)");
  flash->require_subcommand(1);
  add_verb(*flash, v, "wear", "Each sector, and how often it was erased", [&v] { return flash_wear(v.context); });
  add_verb(*flash, v, "check", "Go through all of it, and name the first damage",
           [&v] { return flash_check(v.context); });

  CLI::App* verb = add_verb(*flash, v, "budget", "How many writes it still stands, and how long that lasts",
                            [&v] { return flash_budget(v.context, v.budget); });
  add_duration(*verb, "--every", v.budget.every_ms, "From one write to the next [1s]");
  add_count(*verb, "--value", v.budget.value_bytes, "Bytes of a value [as those that it has]");
  add_count(*verb, "--erases", v.budget.erases_max, "What a sector stands [100000]");

  verb = add_verb(*flash, v, "salvage", "Write every row that can still be read to a file",
                  [&v] { return flash_salvage(v.context, v.salvage); });
  verb->add_option("OUT", v.salvage.out, "The file; it ends in .csv or .json")->required();
}

Exit report(Exit exit, const std::string& sentence) {
  std::fprintf(stderr, "gridctl: %s\n", sentence.c_str());
  return exit;
}

Exit run_on_line(const CLI::App& app, const Verbs& v) {
  const std::string verb = app.get_subcommands().front()->get_name();
  if (!v.context.store.empty()) {
    return report(Exit::usage, "a device on a line has a store of its own; --store goes with a server");
  }
  if (v.of_server) return report(Exit::usage, "a device on a line is no server: --server goes without it");
  if (verb == "status") return line_status(v.context);
  if (verb == "clock") return line_clock(v.context);
  if (verb == "oplog") return line_oplog(v.context);
  if (verb == "ls") return line_ls(v.context, v.ls);
  if (verb == "get") return line_get(v.context, v.get);
  refuse_on_line(verb);
}

Exit parse_and_run(int argc, char** argv) {
  CLI::App app{kAbout, "gridctl"};
  Verbs verbs;
  app.fallthrough();
  app.require_subcommand(0, 1);  // Whether there is one is asked below, behind complaints about unknown words.
  app.set_version_flag("--version", kVersion);
  add_context(app, verbs.context);
  add_row_verbs(app, verbs);
  add_set_verbs(app, verbs);
  add_counter_verbs(app, verbs);
  add_map_verbs(app, verbs);
  add_channel_verbs(app, verbs);
  add_query_verb(app, verbs);
  add_fact_verbs(app, verbs);
  add_datalog_verb(app, verbs);
  add_search_verb(app, verbs);
  add_replica_verbs(app, verbs);
  add_server_verbs(app, verbs);
  add_schema_verbs(app, verbs);
  add_letter_verbs(app, verbs);
  add_flash_verbs(app, verbs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error), Exit::ok;  // --help, --version
    return report(Exit::usage, std::string(error.what()) + "; see gridctl --help");
  }
  if (!verbs.chosen) return report(Exit::usage, "a command is needed; see gridctl --help");
  const Exit exit = is_line_target(verbs.context.target) ? run_on_line(app, verbs) : verbs.chosen();
  flush_output();
  return exit;
}

}  // namespace
}  // namespace grid::cli

int main(int argc, char** argv) {
  using namespace grid::cli;
  Exit exit = Exit::failure;
  try {
    exit = parse_and_run(argc, argv);
  } catch (const Failure& failure) {
    std::fflush(stdout);  // What was printed before stands.
    exit = report(failure.exit(), failure.what());
  } catch (const std::exception& error) {
    exit = report(Exit::failure, error.what());
  }
  return static_cast<int>(exit);
}
