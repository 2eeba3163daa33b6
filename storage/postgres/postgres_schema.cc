// SPDX-License-Identifier: Apache-2.0

#include "storage/postgres/postgres_schema.h"

#include <iterator>

namespace grid::storage {

namespace {

// What an advisory lock of ours is known by: "grid", and behind it the schema's own number.
constexpr char kLockId[] = "(1735551332::bigint << 32) | $1::bigint";

constexpr char kSettings[] = R"(
  SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $1, false),
         set_config('idle_in_transaction_session_timeout', $1, false), set_config('client_connection_check_interval',
         CASE WHEN current_setting('client_connection_check_interval') = '0' THEN '10s'
              ELSE current_setting('client_connection_check_interval') END, false),
         set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false),
         set_config('tcp_keepalives_count', '3', false),
         set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                    ELSE current_setting('synchronous_commit') END, false)
)";
constexpr char kAboutServer[] = R"(
  SELECT current_setting('server_encoding'), current_setting('transaction_read_only'), pg_backend_pid()::bigint,
         coalesce((SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()), ''),
         coalesce(to_regnamespace($1)::oid::bigint, 0)
)";
constexpr char kHolder[] = R"(
  SELECT l.pid::bigint, coalesce(a.application_name, ''), coalesce(host(a.client_addr), 'this machine'),
         coalesce(a.backend_start::text, '')
  FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = 1735551332
    AND l.objid = $1::bigint::oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
)";

// From format 0, an empty schema, to 1.
constexpr const char* kToFormat1[] = {
    R"(CREATE TABLE @.meta (format integer NOT NULL, app text NOT NULL))",
    R"(INSERT INTO @.meta VALUES (0, $1))",
    R"(CREATE TABLE @.cell (
         map        text    COLLATE "C" NOT NULL,
         key        text    COLLATE "C" NOT NULL,
         sub        bytea   NOT NULL,
         stamp      bytea   NOT NULL,
         stamp_text text    NOT NULL,
         arrival    bigint  NOT NULL,
         expires_ms bigint  NOT NULL,
         tombstone  boolean NOT NULL GENERATED ALWAYS AS (value = ''::bytea) STORED,
         value      bytea   NOT NULL,
         json       jsonb,
         PRIMARY KEY (map, key, sub)))",
    R"(CREATE INDEX cell_arrival ON @.cell (arrival))",
    R"(CREATE INDEX cell_dead ON @.cell (arrival) WHERE tombstone)",
    R"(CREATE INDEX cell_expiry ON @.cell (expires_ms) WHERE expires_ms > 0)",
    R"(CREATE TABLE @.dead_letter (
         map        text   COLLATE "C" NOT NULL,
         key        text   COLLATE "C" NOT NULL,
         sub        bytea  NOT NULL,
         stamp      bytea  NOT NULL,
         stamp_text text   NOT NULL,
         arrival    bigint NOT NULL,
         expires_ms bigint NOT NULL,
         value      bytea  NOT NULL,
         sqlstate   text   NOT NULL,
         reason     text   NOT NULL,
         refused_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (map, key, sub)))",
    R"(CREATE TABLE @.mark (
         one           boolean PRIMARY KEY DEFAULT true CHECK (one),
         epoch         bigint NOT NULL,
         through       bigint NOT NULL,
         floor         bigint NOT NULL,
         expired_ms    bigint NOT NULL,
         greatest_time bigint NOT NULL,
         greatest_node bigint NOT NULL,
         drained_at    timestamptz NOT NULL DEFAULT now()))",
    R"(INSERT INTO @.mark VALUES (true, 0, 0, 0, 0, 0, 0))",
    R"(CREATE VIEW @.live AS
       SELECT map, key, sub, json AS value,
              to_timestamp(('x' || encode(substring(stamp FROM 1 FOR 6), 'hex'))::bit(48)::bigint / 1000.0) AS written,
              encode(substring(stamp FROM 9), 'hex') AS writer,
              CASE WHEN expires_ms = 0 THEN NULL
                   WHEN expires_ms BETWEEN 1 AND 253402300799000 THEN to_timestamp(expires_ms / 1000.0)
                   ELSE 'infinity' END AS expires
       FROM @.cell
       WHERE NOT tombstone
         AND (expires_ms <= 0 OR expires_ms > extract(epoch FROM clock_timestamp()) * 1000))",
};

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

}  // namespace

std::string PostgresSchema::in(const char* sql) const {
  std::string text;
  for (const char* at = sql; *at != '\0'; ++at) text += *at == '@' ? quoted(name_) : std::string(1, *at);
  return text;
}

Status PostgresSchema::open(PgConnection& connection) {
  problem_.clear();
  Status status = look(connection);
  if (status == Status::ok) status = run(connection, "BEGIN");
  if (status == Status::ok) status = lock(connection);
  if (status == Status::ok) status = migrate(connection);
  if (status == Status::ok) status = run(connection, "COMMIT");
  // What the server refuses of ours here is no row: a right that is missing, a limit. It may change.
  if (status == Status::invalid && problem_.empty()) status = Status::busy;
  if (problem_.empty()) problem_ = connection.problem();
  return status;
}

Status PostgresSchema::run(PgConnection& connection, const std::string& sql, std::initializer_list<PgParam> params) {
  const Status status = connection.run(sql, params);
  if (status != Status::ok) problem_ = connection.problem() + ", schema " + name_;
  return status == Status::invalid ? Status::busy : status;
}

Status PostgresSchema::refuse(Status status, const std::string& sentence) {
  problem_ = sentence;
  return status;
}

Status PostgresSchema::look(PgConnection& connection) {
  const std::string patience = std::to_string(statement_ms_);
  GRID_TRY(run(connection, kSettings, {std::string_view(patience)}));
  const std::string name = quoted(name_);
  GRID_TRY(run(connection, kAboutServer, {std::string_view(name)}));
  if (connection.text(0, 0) != "UTF8") {
    return refuse(Status::invalid, "the database has encoding " + std::string(connection.text(0, 0)) +
                                       ", and Grid's keys need UTF8: create one WITH ENCODING 'UTF8'");
  }
  if (connection.text(0, 1) == "on") {
    return refuse(Status::busy, "the server is a standby, or read-only: it is tried again until it can be written");
  }
  const std::uint64_t pid = connection.number(0, 2);
  if (pid != static_cast<std::uint64_t>(connection.server_pid())) {
    return refuse(Status::invalid,
                  "a pooler stands before the server: the url must name the server itself, because "
                  "the lock against a second writer belongs to a session");
  }
  const std::string since(connection.text(0, 3));
  const bool is_new = connection.number(0, 4) == 0;
  if (pid_ != 0) GRID_TRY(end_predecessor(connection));
  pid_ = pid;
  since_ = since;
  return is_new ? run(connection, "CREATE SCHEMA IF NOT EXISTS " + name) : Status::ok;
}

// The session that was lost may live on at the server, with the lock.
Status PostgresSchema::end_predecessor(PgConnection& connection) {
  return run(connection,
             "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE pid = $1::bigint AND "
             "backend_start::text = $2",
             {pid_, std::string_view(since_)});
}

Status PostgresSchema::lock(PgConnection& connection) {
  const std::string name = quoted(name_);
  GRID_TRY(run(connection, "SELECT to_regnamespace($1)::oid::bigint", {std::string_view(name)}));
  const std::uint64_t id = connection.number(0, 0);
  GRID_TRY(run(connection, std::string("SELECT pg_try_advisory_lock(") + kLockId + ")::text", {id}));
  return connection.text(0, 0) == "true" ? Status::ok : name_holder(connection, id);
}

Status PostgresSchema::name_holder(PgConnection& connection, std::uint64_t id) {
  GRID_TRY(run(connection, kHolder, {id}));
  std::string holder = "a session that has just ended";
  if (connection.row_count() > 0) {
    holder = "server process " + std::to_string(connection.number(0, 0)) + ", application " +
             std::string(connection.text(0, 1)) + " from " + std::string(connection.text(0, 2)) + ", since " +
             std::string(connection.text(0, 3));
  }
  return refuse(Status::busy, "schema " + name_ + " has another writer: " + holder);
}

Status PostgresSchema::migrate(PgConnection& connection) {
  const std::string name = quoted(name_);
  GRID_TRY(run(connection,
               "SELECT count(*), count(*) FILTER (WHERE relname = 'meta') FROM pg_class WHERE relnamespace = "
               "to_regnamespace($1) AND relkind IN ('r', 'v', 'p', 'm', 'S', 'f')",
               {std::string_view(name)}));
  std::uint64_t format = 0;
  if (connection.number(0, 0) != 0) {
    const std::string foreign = "schema " + name_ + " holds tables of something else than Grid: nothing was changed";
    if (connection.number(0, 1) == 0) return refuse(Status::invalid, foreign);
    const Status read = run(connection, in("SELECT format::bigint, app::text FROM @.meta"));
    if (connection.sqlstate() == "42703") return refuse(Status::invalid, foreign);
    GRID_TRY(read);
    if (connection.row_count() != 1) return refuse(Status::invalid, foreign);
    format = connection.number(0, 0);
    const std::string app(connection.text(0, 1));
    if (app != app_) return refuse(Status::invalid, "schema " + name_ + " belongs to app " + app);
  }
  if (format > kFormat) {
    return refuse(Status::newer, "schema " + name_ + " has sink format " + std::to_string(format) +
                                     ", and this release knows formats up to " + std::to_string(kFormat) +
                                     ": open it with a newer release");
  }
  if (format == kFormat) return Status::ok;
  for (const char* const sql : kToFormat1) {
    const bool has_app = std::string_view(sql).find("$1") != std::string_view::npos;
    GRID_TRY(has_app ? run(connection, in(sql), {std::string_view(app_)}) : run(connection, in(sql)));
  }
  return run(connection, in("UPDATE @.meta SET format = 1"));
}

}  // namespace grid::storage
