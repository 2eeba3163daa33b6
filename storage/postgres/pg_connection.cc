// SPDX-License-Identifier: Apache-2.0

#include "storage/postgres/pg_connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace grid::storage {

namespace {

// Time for the server's own limit to strike first: it says more.
constexpr std::chrono::milliseconds kGrace{2'000};

// What a peer that is gone without a word costs: about as long as a statement may take.
constexpr const char* kKeepalives[][2] = {
    {"keepalives", "1"}, {"keepalives_idle", "15"}, {"keepalives_interval", "5"}, {"keepalives_count", "3"}};

std::string first_line(const char* text) {
  const std::string line(text == nullptr ? "" : text);
  return line.substr(0, line.find('\n'));
}

}  // namespace

PgParam::PgParam(std::uint64_t value) : is_number(true) { store_be(value, number); }

PgConnection::PgConnection(const Options& options) : options_(options), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

PgConnection::~PgConnection() {
  close();
  if (wake_ >= 0) ::close(wake_);
}

bool PgConnection::is_url(const std::string& url) {
  char* error = nullptr;
  PQconninfoOption* const parsed = PQconninfoParse(url.c_str(), &error);
  PQconninfoFree(parsed);
  PQfreemem(error);
  return parsed != nullptr;
}

void PgConnection::clear() {
  PQclear(std::exchange(result_, nullptr));
  sqlstate_.clear();
}

void PgConnection::close() {
  PQclear(std::exchange(result_, nullptr));
  PQfinish(std::exchange(session_, nullptr));
}

void PgConnection::interrupt() {
  interrupted_ = true;
  [[maybe_unused]] const int written = eventfd_write(wake_, 1);
}

int PgConnection::server_pid() const { return PQbackendPID(session_); }

Status PgConnection::open() {
  close();
  clear();
  const Status status = connect();
  if (status != Status::ok) close();
  return status;
}

Status PgConnection::connect() {
  const std::string silence_ms = std::to_string(options_.statement_ms);
  std::vector<const char*> names, values;
  const auto with = [&](const char* name, const char* value) {
    names.push_back(name);
    values.push_back(value);
  };
  // What stands before the url is overruled by it.
  for (const auto& [name, value] : kKeepalives) with(name, value);
  with("tcp_user_timeout", silence_ms.c_str());
  with("fallback_application_name", options_.name.c_str());
  with("dbname", options_.url.c_str());
  with("client_encoding", "UTF8");
  names.push_back(nullptr);
  values.push_back(nullptr);
  session_ = PQconnectStartParams(names.data(), values.data(), /*expand_dbname=*/1);
  if (session_ == nullptr) return fail("there is no memory to connect");
  if (PQstatus(session_) == CONNECTION_BAD) return lost("can't connect");
  // A url may name several servers: each gets its time.
  std::string at;
  Clock::time_point deadline;
  for (PostgresPollingStatusType step = PGRES_POLLING_WRITING;; step = PQconnectPoll(session_)) {
    if (step == PGRES_POLLING_FAILED) return lost("can't connect");
    if (step == PGRES_POLLING_OK) break;
    if (std::string now = place(); now != at) {
      at = std::move(now);
      deadline = Clock::now() + std::chrono::milliseconds(options_.connect_ms);
    }
    GRID_TRY(await(step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, "can't connect"));
  }
  PQsetnonblocking(session_, 1);
  PQsetNoticeProcessor(
      session_, [](void*, const char*) {}, nullptr);
  return Status::ok;
}

Status PgConnection::await(int events, Clock::time_point deadline, const char* what) {
  for (;;) {
    if (interrupted_) return fail(place() + ": " + what + ": the gateway is stopping");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return fail(place() + ": " + what + ": the server does not answer");
    pollfd files[] = {{PQsocket(session_), static_cast<short>(events), 0}, {wake_, POLLIN, 0}};
    const int ready = ::poll(files, std::size(files), static_cast<int>(left));
    if (ready > 0 && files[0].revents != 0) return Status::ok;
  }
}

Status PgConnection::run(const std::string& sql, std::span<const PgParam> params) {
  clear();
  if (interrupted_) return fail("the gateway is stopping");
  if (session_ == nullptr) return fail("there is no connection");
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const PgParam& param : params) {
    const Bytes bytes = param.is_number ? Bytes(param.number) : param.bytes;
    // A null pointer would be SQL's null.
    values.push_back(bytes.empty() ? "" : reinterpret_cast<const char*>(bytes.data()));
    lengths.push_back(static_cast<int>(bytes.size()));
  }
  const std::vector<int> formats(params.size(), 1);
  const int count = static_cast<int>(params.size());
  if (PQsendQueryParams(session_, sql.c_str(), count, nullptr, values.data(), lengths.data(), formats.data(), 1) == 0)
    return lost("the connection was lost");
  return take_results(Clock::now() + std::chrono::milliseconds(options_.statement_ms) + kGrace);
}

Status PgConnection::take_results(Clock::time_point deadline) {
  const char* const what = "a statement was sent";
  for (int left = 1; left != 0;) {
    left = PQflush(session_);
    if (left < 0) return lost("the connection was lost");
    if (left == 0) break;
    if (const Status status = await(POLLIN | POLLOUT, deadline, what); status != Status::ok) return close(), status;
    if (PQconsumeInput(session_) == 0) return lost("the connection was lost");
  }
  for (;;) {
    while (PQisBusy(session_) != 0) {
      if (const Status status = await(POLLIN, deadline, what); status != Status::ok) return close(), status;
      if (PQconsumeInput(session_) == 0) return lost("the connection was lost");
    }
    pg_result* const next = PQgetResult(session_);
    if (next == nullptr) break;
    PQclear(std::exchange(result_, next));
  }
  const ExecStatusType status = PQresultStatus(result_);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return Status::ok;
  return refused(result_);
}

Status PgConnection::refused(pg_result* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const said = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (state != nullptr) sqlstate_ = state;
  problem_ = place() + ": " + first_line(said != nullptr ? said : PQerrorMessage(session_));
  if (!sqlstate_.empty()) problem_ += " (" + sqlstate_ + ")";
  // Nobody is there any more, or nobody who may write, or the tables are not: who and what is there is found anew.
  const bool is_lost = sqlstate_ == "25006" || sqlstate_.starts_with("57P") || sqlstate_.starts_with("42") ||
                       sqlstate_.starts_with("3F");
  if (is_lost || PQstatus(session_) == CONNECTION_BAD) close();
  if (sqlstate_ == "53100") return Status::full;
  // Data, constraints, limits, and what a trigger raises.
  const bool is_refusal =
      sqlstate_.starts_with("22") || sqlstate_.starts_with("23") || sqlstate_.starts_with("54") || sqlstate_ == "P0001";
  return is_refusal ? Status::invalid : Status::busy;
}

Status PgConnection::lost(const char* what) {
  std::string said = first_line(PQerrorMessage(session_));
  problem_ = place() + ": " + what + (said.empty() ? "" : ": " + said);
  close();
  return Status::busy;
}

Status PgConnection::fail(const std::string& sentence) {
  problem_ = sentence;
  return Status::busy;
}

std::string PgConnection::place() const {
  const auto say = [](const char* text) { return std::string(text == nullptr ? "" : text); };
  if (session_ == nullptr) return "Postgres";
  return "Postgres at " + say(PQhost(session_)) + ":" + say(PQport(session_)) + ", database " + say(PQdb(session_));
}

int PgConnection::row_count() const { return PQntuples(result_); }

std::string_view PgConnection::text(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<std::size_t>(PQgetlength(result_, row, column))};
}

std::uint64_t PgConnection::number(int row, int column) const {
  const Bytes from = bytes(row, column);
  return from.size() == 8 ? load_be(from.data()) : 0;
}

}  // namespace grid::storage
