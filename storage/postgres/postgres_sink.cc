// SPDX-License-Identifier: Apache-2.0

#include "storage/postgres/postgres_sink.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/facts.h"
#include "storage/postgres/pg_arrays.h"

namespace grid::storage {

namespace {

// The guard is crdt::wins() in SQL: stamp, then expiry, then value. An expiry is an unsigned number, and Postgres' are
// signed: the negative ones are the greater. A row that is not there and arrived up to the floor was collected. A fact
// of an entity that is deleted stays out (TRI-1).
constexpr char kUpsert[] = R"(
  INSERT INTO @.cell AS c (map, key, sub, stamp, stamp_text, arrival, expires_ms, value, json)
  SELECT u.map, u.key, u.sub, u.stamp, u.stamp_text, u.arrival, u.expires_ms, u.value, u.json::jsonb
  FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::bigint[], $7::bigint[], $8::bytea[],
              $9::text[]) AS u (map, key, sub, stamp, stamp_text, arrival, expires_ms, value, json)
  WHERE (u.arrival > $10::bigint
         OR EXISTS (SELECT FROM @.cell e WHERE (e.map, e.key, e.sub) = (u.map, u.key, u.sub)))
    AND NOT (u.sub > '\x0300'::bytea AND u.sub < '\x04'::bytea
             AND EXISTS (SELECT FROM @.cell m WHERE (m.map, m.key, m.sub) = (u.map, u.key, '\x0300'::bytea)))
  ON CONFLICT (map, key, sub) DO UPDATE SET
    stamp = excluded.stamp, stamp_text = excluded.stamp_text, arrival = excluded.arrival,
    expires_ms = excluded.expires_ms, value = excluded.value, json = excluded.json
  WHERE (excluded.stamp, excluded.expires_ms < 0, excluded.expires_ms, excluded.value)
      > (c.stamp, c.expires_ms < 0, c.expires_ms, c.value)
)";
constexpr char kLetter[] = R"(
  INSERT INTO @.dead_letter AS c (map, key, sub, stamp, stamp_text, arrival, expires_ms, value, sqlstate, reason)
  SELECT $1, $2, $3, $4, $5, $6::bigint, $7::bigint, $8, $9, $10
  WHERE $6::bigint > $11::bigint
     OR EXISTS (SELECT FROM @.cell e WHERE (e.map, e.key, e.sub) = ($1, $2, $3))
     OR EXISTS (SELECT FROM @.dead_letter e WHERE (e.map, e.key, e.sub) = ($1, $2, $3))
  ON CONFLICT (map, key, sub) DO UPDATE SET
    stamp = excluded.stamp, stamp_text = excluded.stamp_text, arrival = excluded.arrival,
    expires_ms = excluded.expires_ms, value = excluded.value, sqlstate = excluded.sqlstate, reason = excluded.reason,
    refused_at = now()
  WHERE (excluded.stamp, excluded.expires_ms < 0, excluded.expires_ms, excluded.value)
      > (c.stamp, c.expires_ms < 0, c.expires_ms, c.value)
)";
// A letter is settled by what went in behind it.
constexpr char kForgetLetters[] = R"(
  DELETE FROM @.dead_letter d
  USING unnest($1::text[], $2::text[], $3::bytea[]) AS u (map, key, sub), @.cell c
  WHERE (d.map, d.key, d.sub) = (u.map, u.key, u.sub) AND (c.map, c.key, c.sub) = (u.map, u.key, u.sub)
    AND (c.stamp, c.expires_ms < 0, c.expires_ms, c.value) >= (d.stamp, d.expires_ms < 0, d.expires_ms, d.value)
)";
// The facts of entities whose markers stand.
constexpr char kBuryCells[] = R"(
  DELETE FROM @.cell d USING unnest($1::text[], $2::text[], $3::bytea[]) AS u (map, key, sub), @.cell m
  WHERE u.sub = '\x0300'::bytea AND (m.map, m.key, m.sub) = (u.map, u.key, u.sub)
    AND d.map = u.map AND d.key = u.key AND d.sub > '\x0300'::bytea AND d.sub < '\x04'::bytea
)";
constexpr char kBuryLetters[] = R"(
  DELETE FROM @.dead_letter d USING unnest($1::text[], $2::text[], $3::bytea[]) AS u (map, key, sub), @.cell m
  WHERE u.sub = '\x0300'::bytea AND (m.map, m.key, m.sub) = (u.map, u.key, u.sub)
    AND d.map = u.map AND d.key = u.key AND d.sub > '\x0300'::bytea AND d.sub < '\x04'::bytea
)";
constexpr char kForgetRemoved[] = "DELETE FROM @.cell WHERE tombstone AND arrival <= $1::bigint";
constexpr char kForgetExpired[] =
    "DELETE FROM @.cell WHERE expires_ms > 0 AND expires_ms <= $2::bigint AND arrival <= $1::bigint";
// What a refused deletion was to delete still stands: without its letter a loaded journal would bring it back.
constexpr char kForgetDeadLetters[] = R"(
  DELETE FROM @.dead_letter d
  WHERE arrival <= $1::bigint AND (value = ''::bytea OR (expires_ms > 0 AND expires_ms <= $2::bigint))
    AND NOT EXISTS (SELECT FROM @.cell c WHERE (c.map, c.key, c.sub) = (d.map, d.key, d.sub))
)";
constexpr char kNote[] = R"(
  UPDATE @.mark SET epoch = $1::bigint, through = $2::bigint, floor = $3::bigint, expired_ms = $4::bigint,
                    greatest_time = $5::bigint, greatest_node = $6::bigint, drained_at = now()
)";
constexpr char kNoted[] = R"(
  SELECT epoch, through, floor, expired_ms, greatest_time, greatest_node, (SELECT count(*) FROM @.dead_letter)
  FROM @.mark
)";
constexpr char kLoad[] = R"(
  DECLARE loaded NO SCROLL CURSOR FOR
  SELECT map, key, sub, stamp, arrival, expires_ms, value, coalesce(json::text, '') FROM @.cell
  UNION ALL
  SELECT map, key, sub, stamp, arrival, expires_ms, value, '' FROM @.dead_letter
  ORDER BY arrival, map, key, sub
)";
// The largest values there can be are 64 MiB then.
constexpr char kFetch[] = "FETCH 64 FROM loaded";

// jsonb writes spaces between what it holds: out with them.
std::string compact(std::string_view json) {
  std::string text;
  bool is_quoted = false, is_escaped = false;
  for (const char c : json) {
    if (c == ' ' && !is_quoted) continue;
    text += c;
    if (c == '"' && !is_escaped) is_quoted = !is_quoted;
    is_escaped = c == '\\' && !is_escaped;
  }
  return text;
}

std::string text_of(const crdt::Stamp& stamp) {
  std::string text(crdt::Stamp::kTextBytes, ' ');
  crdt::format(stamp, text.data());
  return text;
}

struct Names {
  explicit Names(std::span<const SinkRow> rows) {
    for (const SinkRow& row : rows) {
      maps.add(row.cell.name.map);
      keys.add(row.cell.name.key);
      subs.add(row.cell.name.sub);
    }
  }
  PgArray maps{PgArray::Type::text}, keys{PgArray::Type::text}, subs{PgArray::Type::bytea};
};

}  // namespace

PostgresSink::PostgresSink(const Options& options)
    : connection_({options.url, "gridd " + options.app, options.connect_ms, options.statement_ms}),
      schema_(options.schema, options.app, options.statement_ms),
      name_(options.schema),
      upsert_(schema_.in(kUpsert)) {}

std::unique_ptr<PostgresSink> PostgresSink::open(const Options& options, Status& status, std::string& problem) {
  status = Status::invalid;
  if (options.schema.empty() || options.schema.size() > PostgresSchema::kNameBytesMax) {
    problem = "the schema's name " + options.schema + " has " + std::to_string(options.schema.size()) +
              " bytes: 1 to 63 there may be; name another one";
    return nullptr;
  }
  if (!PgConnection::is_url(options.url)) {
    problem = "the url of the database is none that libpq can read: postgres://USER@HOST:PORT/DATABASE";
    return nullptr;
  }
  std::unique_ptr<PostgresSink> sink(new PostgresSink(options));
  status = sink->connect();
  if (status == Status::ok) sink->known_ = sink->standing_;
  if (status != Status::ok) problem = sink->problem();
  if (status == Status::invalid || status == Status::newer) return nullptr;
  return sink;
}

// ---- the session

Status PostgresSink::connect() {
  if (connection_.is_open()) return Status::ok;
  Status status = connection_.open();
  if (status != Status::ok) {
    problem_ = connection_.problem();
    return status;
  }
  status = schema_.open(connection_);
  if (status != Status::ok) {
    problem_ = schema_.problem();
  } else {
    status = read_mark();
  }
  // A session that is not the writer is of no use.
  if (status != Status::ok) connection_.close();
  return status;
}

Status PostgresSink::read_mark() {
  GRID_TRY(run(kNoted));
  if (connection_.row_count() != 1) {
    problem_ = "schema " + name_ + ": table mark has lost its row: put it back, or drop the schema";
    return Status::busy;
  }
  const auto number = [this](int column) { return connection_.number(0, column); };
  standing_ = {number(0), number(1), number(2), number(3), {number(4), number(5)}};
  dead_letters_ = number(6);
  return Status::ok;
}

Status PostgresSink::run(const std::string& sql, std::initializer_list<PgParam> params) {
  const Status status = connection_.run(sql, params);
  if (status != Status::ok) problem_ = connection_.problem() + ", schema " + name_;
  return status;
}

// Back to no transaction; to no session if that can't be had.
Status PostgresSink::give_up(Status status) {
  if (connection_.is_open() && connection_.run("ROLLBACK") != Status::ok) connection_.close();
  return status;
}

// ---- draining

Status PostgresSink::drain(std::span<const SinkRow> rows, const SinkMark& mark) {
  Status status = connect();
  if (status == Status::invalid || status == Status::newer) return Status::busy;
  GRID_TRY(status);
  if (standing_ == attempted_) known_ = attempted_;
  if (standing_ != known_) {
    problem_ = "schema " + name_ + " is not where it was left: it is drained up to " +
               std::to_string(standing_.through) + " of epoch " + std::to_string(standing_.epoch);
    return Status::conflict;
  }
  attempted_ = mark;
  status = write_all(rows, mark, /*one_by_one=*/false);
  if (status == Status::invalid) status = write_all(rows, mark, /*one_by_one=*/true);
  // Of which nothing is known, may be there: it is read with the next session.
  if (status != Status::ok) return status == Status::full ? Status::full : Status::busy;
  standing_ = mark;
  known_ = mark;
  attempted_.reset();
  // How many letters there are is told, and no more than that: the rows are in.
  if (has_letters_ || dead_letters_ > 0) [[maybe_unused]]
    const Status counted = read_mark();
  return Status::ok;
}

Status PostgresSink::write_all(std::span<const SinkRow> rows, const SinkMark& mark, bool one_by_one) {
  has_letters_ = false;
  Status status = run("BEGIN");
  if (status == Status::ok) status = one_by_one ? sift(rows) : upsert(rows, true);
  if (status == Status::ok) status = bury(rows);
  if (status == Status::ok && dead_letters_ > 0) status = forget_letters(rows);
  if (status == Status::ok && mark.floor > 0) status = forget(mark);
  if (status == Status::ok) status = note(mark);
  if (status == Status::ok) status = run("COMMIT");
  return status == Status::ok ? status : give_up(status);
}

Status PostgresSink::upsert(std::span<const SinkRow> rows, bool with_json) {
  if (rows.empty()) return Status::ok;
  Names names(rows);
  PgArray stamps(PgArray::Type::bytea), texts(PgArray::Type::text), arrivals(PgArray::Type::int8),
      expiries(PgArray::Type::int8), values(PgArray::Type::bytea), jsons(PgArray::Type::text);
  for (const SinkRow& row : rows) {
    GRID_CHECK(!row.cell.stamp.is_none());
    std::uint8_t stamp[crdt::Stamp::kBytes];
    row.cell.stamp.write(stamp);
    stamps.add(Bytes(stamp));
    texts.add(std::string_view(text_of(row.cell.stamp)));
    arrivals.add(row.arrival);
    expiries.add(row.cell.expires_ms);
    values.add(row.cell.value);
    with_json && !row.json.empty() ? jsons.add(row.json) : jsons.add_null();
  }
  return run(upsert_, {names.maps.bytes(), names.keys.bytes(), names.subs.bytes(), stamps.bytes(), texts.bytes(),
                       arrivals.bytes(), expiries.bytes(), values.bytes(), jsons.bytes(), standing_.floor});
}

// Halves what is refused until it is found.
Status PostgresSink::sift(std::span<const SinkRow> rows) {
  std::vector<std::span<const SinkRow>> parts{rows};  // The next one last.
  while (!parts.empty()) {
    const std::span<const SinkRow> part = parts.back();
    parts.pop_back();
    if (part.size() < 2) {
      if (!part.empty()) GRID_TRY(settle(part[0]));
      continue;
    }
    GRID_TRY(run("SAVEPOINT part"));
    const Status status = upsert(part, true);
    if (status != Status::ok && status != Status::invalid) return status;
    if (status == Status::invalid) GRID_TRY(run("ROLLBACK TO part"));
    GRID_TRY(run("RELEASE part"));
    if (status == Status::ok) continue;
    parts.push_back(part.subspan(part.size() / 2));
    parts.push_back(part.first(part.size() / 2));
  }
  return Status::ok;
}

// As it is; or without what plain SQL reads of it, which Postgres may not be able to hold; or as a letter.
Status PostgresSink::settle(const SinkRow& row) {
  for (const bool with_json : {true, false}) {
    GRID_TRY(run("SAVEPOINT one"));
    const Status status = upsert({&row, 1}, with_json);
    if (status == Status::ok) return run("RELEASE one");
    if (status != Status::invalid) return status;
    const std::string sqlstate = connection_.sqlstate(), reason = connection_.problem();
    GRID_TRY(run("ROLLBACK TO one"));
    GRID_TRY(run("RELEASE one"));
    if (!with_json || row.json.empty()) return write_letter(row, sqlstate, reason);
  }
  return Status::ok;
}

Status PostgresSink::write_letter(const SinkRow& row, const std::string& sqlstate, const std::string& reason) {
  const crdt::Cell& cell = row.cell;
  std::uint8_t stamp[crdt::Stamp::kBytes];
  cell.stamp.write(stamp);
  has_letters_ = true;
  return run(kLetter, {cell.name.map, cell.name.key, as_bytes(cell.name.sub), Bytes(stamp),
                       std::string_view(text_of(cell.stamp)), row.arrival, cell.expires_ms, cell.value,
                       std::string_view(sqlstate), std::string_view(reason), standing_.floor});
}

Status PostgresSink::bury(std::span<const SinkRow> rows) {
  const auto is_marker = [](const SinkRow& row) { return crdt::is_marker(row.cell.name.sub); };
  if (std::none_of(rows.begin(), rows.end(), is_marker)) return Status::ok;
  Names names(rows);
  GRID_TRY(run(kBuryCells, {names.maps.bytes(), names.keys.bytes(), names.subs.bytes()}));
  return run(kBuryLetters, {names.maps.bytes(), names.keys.bytes(), names.subs.bytes()});
}

Status PostgresSink::forget_letters(std::span<const SinkRow> rows) {
  Names names(rows);
  return run(kForgetLetters, {names.maps.bytes(), names.keys.bytes(), names.subs.bytes()});
}

// Collected rows that somebody's foreign key or trigger holds on to stay, dead as they are, and are tried again with
// the next batch: all of them, since who holds one is not worth a search.
Status PostgresSink::forget(const SinkMark& mark) {
  GRID_TRY(run("SAVEPOINT dead"));
  Status status = run(kForgetRemoved, {mark.floor});
  if (status == Status::ok) status = run(kForgetExpired, {mark.floor, mark.expired_ms});
  if (status != Status::ok && status != Status::invalid) return status;
  if (status == Status::invalid) GRID_TRY(run("ROLLBACK TO dead"));
  GRID_TRY(run("RELEASE dead"));
  const bool may_have_letters = has_letters_ || dead_letters_ > 0;
  return may_have_letters ? run(kForgetDeadLetters, {mark.floor, mark.expired_ms}) : Status::ok;
}

Status PostgresSink::note(const SinkMark& mark) {
  return run(kNote, {mark.epoch, mark.through, mark.floor, mark.expired_ms, mark.greatest.time, mark.greatest.node});
}

// ---- reading

Result<SinkMark> PostgresSink::drained() {
  GRID_TRY(connect());
  known_ = standing_;
  return standing_;
}

Status PostgresSink::load(Take take, void* context) {
  GRID_TRY(connect());
  Status status = run("BEGIN");
  if (status == Status::ok) status = run(kLoad);
  for (bool is_over = false; status == Status::ok && !is_over;) status = fetch(take, context, is_over);
  if (status != Status::ok) return give_up(status);
  return run("COMMIT");
}

Status PostgresSink::fetch(Take take, void* context, bool& is_over) {
  GRID_TRY(run(kFetch));
  is_over = connection_.row_count() == 0;
  for (int at = 0; at < connection_.row_count(); ++at) {
    const Bytes stamp = connection_.bytes(at, 3);
    if (stamp.size() != crdt::Stamp::kBytes) {
      problem_ = "schema " + name_ + ": a stamp in table cell has " + std::to_string(stamp.size()) + " bytes";
      return Status::corrupt;
    }
    const std::string json = compact(connection_.text(at, 7));
    SinkRow row;
    row.cell.name = {connection_.text(at, 0), connection_.text(at, 1), connection_.text(at, 2)};
    row.cell.stamp = crdt::Stamp::read(stamp.data());
    row.arrival = connection_.number(at, 4);
    row.cell.expires_ms = connection_.number(at, 5);
    row.cell.value = connection_.bytes(at, 6);
    row.json = json;
    GRID_TRY(take(row, context));
  }
  return Status::ok;
}

}  // namespace grid::storage
