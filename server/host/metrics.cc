// SPDX-License-Identifier: Apache-2.0

#include "server/host/metrics.h"

#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <sstream>

#include "ports/port.h"

namespace grid::server {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct AppMetric {
  const char* name;
  MetricType type;
  const char* says;
  double (*value)(const CoordinatorStatus& status);
};

struct FactMetric {
  const char* name;
  MetricType type;
  const char* says;
  double (*value)(const FactFigures& figures);
};

struct EngineMetric {
  const char* name;
  const char* says;
  double (*value)(const EngineFigures& figures);
};

struct WaitMetric {
  const char* name;
  const char* says;
  const Timing* EngineFigures::*timing;
};

struct TimeMetric {
  const char* name;
  const char* says;
  const Timing& (*timing)(const AppTimings& timings);
};

struct GatewayMetric {
  const char* name;
  MetricType type;
  const char* says;
  double (*value)(const GatewayFigures& figures);
};

template <typename Number>
double count(Number number) {
  return static_cast<double>(number);
}

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;

// Of each app, with the label `app`.
constexpr AppMetric kAppMetrics[] = {
    {"grid_links", kGauge, "Links that are open", [](const CoordinatorStatus& is) { return count(is.links); }},
    {"grid_subscriptions", kGauge, "Subscriptions of these links",
     [](const CoordinatorStatus& is) { return count(is.subscriptions); }},
    {"grid_ops_applied_total", kCounter, "Writes of devices that were taken",
     [](const CoordinatorStatus& is) { return count(is.ops_applied); }},
    {"grid_cells_sent_total", kCounter, "Cells that were sent to subscribers",
     [](const CoordinatorStatus& is) { return count(is.cells_sent); }},
    {"grid_cells_healed_total", kCounter, "Cells that devices gave back after the gateway had lost them",
     [](const CoordinatorStatus& is) { return count(is.cells_healed); }},
    {"grid_rows_judged_total", kCounter, "Rows that were held against the predicates of subscriptions",
     [](const CoordinatorStatus& is) { return count(is.rows_judged); }},
    {"grid_journal_head", kGauge, "Arrivals in the journal: the position of the newest",
     [](const CoordinatorStatus& is) { return count(is.head); }},
    {"grid_journal_durable", kGauge, "The position up to which the journal is on disk",
     [](const CoordinatorStatus& is) { return count(is.durable); }},
    {"grid_database_drained", kGauge, "The position up to which the database has the journal",
     [](const CoordinatorStatus& is) { return count(is.drained); }},
    {"grid_database_waiting", kGauge, "Positions that are on disk and not in the database yet",
     [](const CoordinatorStatus& is) { return count(is.sink.queue_cells); }},
    {"grid_database_queue_age_seconds", kGauge, "How long the first of them has waited",
     [](const CoordinatorStatus& is) { return count(is.sink.queue_age_ms) / 1e3; }},
    {"grid_database_dead_letters", kGauge, "Rows that the database refuses for their own sake",
     [](const CoordinatorStatus& is) { return count(is.sink.dead_letters); }},
    {"grid_database_up", kGauge, "1 while the database takes what it is given",
     [](const CoordinatorStatus& is) { return is.sink.status == Status::ok ? 1.0 : 0.0; }},
    {"grid_cells", kGauge, "Cells that are kept, deletions among them",
     [](const CoordinatorStatus& is) { return count(is.cells); }},
    {"grid_cell_bytes", kGauge, "Their names and values",
     [](const CoordinatorStatus& is) { return count(is.cell_bytes); }},
    {"grid_quota_cells", kGauge, "What there may be of cells; 0: no limit",
     [](const CoordinatorStatus& is) { return count(is.quota.cells); }},
    {"grid_quota_bytes", kGauge, "What their names and values may come to; 0: no limit",
     [](const CoordinatorStatus& is) { return count(is.quota.bytes); }},
    {"grid_quota_ops_per_second", kGauge, "Writes that are acknowledged in a second; 0: no limit",
     [](const CoordinatorStatus& is) { return count(is.quota.ops_per_second); }},
    {"grid_ops_unpaid", kGauge, "Writes that were taken, and are acknowledged later because they came faster than that",
     [](const CoordinatorStatus& is) { return count(is.ops_unpaid); }},
    {"grid_tombstones", kGauge, "Deletions and expired cells that are still kept",
     [](const CoordinatorStatus& is) { return count(is.tombstones); }},
    {"grid_cells_collected_total", kCounter, "Deletions and expired cells that are kept no more",
     [](const CoordinatorStatus& is) { return count(is.cells_collected); }},
    {"grid_floor", kGauge, "The position up to which deletions are collected",
     [](const CoordinatorStatus& is) { return count(is.floor); }},
    {"grid_devices_enrolled", kGauge, "Devices that deletions wait for",
     [](const CoordinatorStatus& is) { return count(is.devices_enrolled); }},
    {"grid_devices_lapsed", kGauge, "Devices that were silent for too long to be waited for",
     [](const CoordinatorStatus& is) { return count(is.devices_lapsed); }},
    {"grid_clock_judging", kGauge, "1 while stamps are held against the gateway's time; 0 while it doesn't know it",
     [](const CoordinatorStatus& is) { return is.judging ? 1.0 : 0.0; }},
    {"grid_clock_ahead_seconds", kGauge,
     "By how much the time that stamps are held against is ahead of the gateway's clock, which is wrong, or was",
     [](const CoordinatorStatus& is) { return count(is.judge_ahead_ms) / 1e3; }},
    {"grid_indexes", kGauge, "Indexes of maps", [](const CoordinatorStatus& is) { return count(is.indexes); }},
    {"grid_indexes_over_cap", kGauge, "Of these switched off, because they would take too much memory",
     [](const CoordinatorStatus& is) { return count(is.indexes_over_cap); }},
    {"grid_index_bytes", kGauge, "Memory of the indexes",
     [](const CoordinatorStatus& is) { return count(is.index_bytes); }},
    {"grid_rooms", kGauge, "Rooms that somebody is in, or attends",
     [](const CoordinatorStatus& is) { return count(is.channels.rooms); }},
    {"grid_room_members", kGauge, "Members of these rooms",
     [](const CoordinatorStatus& is) { return count(is.channels.members); }},
    {"grid_messages_total", kCounter, "Messages that were published in topics",
     [](const CoordinatorStatus& is) { return count(is.channels.messages); }},
    {"grid_messages_sent_total", kCounter, "Messages that were sent, once for each link",
     [](const CoordinatorStatus& is) { return count(is.channels.messages_sent); }},
    {"grid_messages_lost_total", kCounter, "Messages that a link was too slow for",
     [](const CoordinatorStatus& is) { return count(is.channels.messages_lost); }},
};

// Likewise, of its questions about facts.
constexpr FactMetric kFactMetrics[] = {
    {"grid_datalog_questions_total", kCounter, "Questions about facts that were asked",
     [](const FactFigures& is) { return count(is.questions); }},
    {"grid_datalog_watches", kGauge, "Of these watched now", [](const FactFigures& is) { return count(is.watches); }},
    {"grid_datalog_indexes", kGauge, "Maps whose facts are indexed for them",
     [](const FactFigures& is) { return count(is.indexes); }},
    {"grid_datalog_index_bytes", kGauge, "Memory of these indexes",
     [](const FactFigures& is) { return count(is.index_bytes); }},
};

// Likewise, as histograms.
constexpr TimeMetric kTimeMetrics[] = {
    {"grid_step_seconds", "What one event took, with all that it led to",
     [](const AppTimings& timings) -> const Timing& { return timings.step; }},
    {"grid_journal_flush_seconds", "What bringing the journal onto its disk took",
     [](const AppTimings& timings) -> const Timing& { return timings.flush; }},
    {"grid_database_batch_seconds", "What the database took for a batch",
     [](const AppTimings& timings) -> const Timing& { return timings.drain; }},
    {"grid_database_queue_seconds", "From a commit that is on disk to the database that has it, once for each commit",
     [](const AppTimings& timings) -> const Timing& { return timings.queue; }},
};

// Of each engine, with the label `engine`. Its inbox has what the network has for it; its outbox what it has sent.
constexpr EngineMetric kEngineMetrics[] = {
    {"grid_engine_apps", "Apps on this engine", [](const EngineFigures& is) { return count(is.apps); }},
    {"grid_engine_inbox_letters", "Frames and requests that wait for the engine",
     [](const EngineFigures& is) { return count(is.in.letters); }},
    {"grid_engine_inbox_bytes", "Memory of these", [](const EngineFigures& is) { return count(is.in.bytes); }},
    {"grid_engine_inbox_age_seconds", "How long the first of them has waited",
     [](const EngineFigures& is) { return count(is.in.oldest_ns) / 1e9; }},
    {"grid_engine_outbox_letters", "Frames and answers that wait for the network",
     [](const EngineFigures& is) { return count(is.out.letters); }},
    {"grid_engine_outbox_bytes", "Memory of these", [](const EngineFigures& is) { return count(is.out.bytes); }},
    {"grid_engine_outbox_age_seconds", "How long the first of them has waited",
     [](const EngineFigures& is) { return count(is.out.oldest_ns) / 1e9; }},
};

// Likewise, as histograms.
constexpr WaitMetric kWaitMetrics[] = {
    {"grid_engine_inbox_wait_seconds", "How long what came waited for the engine", &EngineFigures::in_waits},
    {"grid_engine_outbox_wait_seconds", "How long what it sent waited for the network", &EngineFigures::out_waits},
};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

double resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long all = 0;
  unsigned long resident = 0;
  const bool is_read = std::fscanf(file, "%lu %lu", &all, &resident) == 2;
  std::fclose(file);
  return is_read ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

double open_files() {
  std::error_code error;
  double files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd", error)) ++files;
  return files;
}

// Seconds since 1970.
double start_time() {
  static const double kStarted = static_cast<double>(port::wall_ms()) / 1e3;
  return kStarted;
}

constexpr GatewayMetric kGatewayMetrics[] = {
    {"grid_apps", kGauge, "Apps that are open", [](const GatewayFigures& all) { return count(all.apps.size()); }},
    {"grid_apps_opening", kGauge, "Apps that are being opened",
     [](const GatewayFigures& all) { return count(all.apps_opening); }},
    {"grid_sockets", kGauge, "Connections, those included that are opening or closing",
     [](const GatewayFigures& all) { return count(all.sockets); }},
    {"grid_log_lines_left_out_total", kCounter, "Lines of the log that repeated others, or that stderr did not take",
     [](const GatewayFigures& all) { return count(all.log_lines_left_out); }},
    {"grid_certificate_not_after_seconds", kGauge,
     "Until when the gateway's certificate is good, in seconds since 1970; 0: there is none",
     [](const GatewayFigures& all) { return count(all.certificate_until_s); }},
    {"process_resident_memory_bytes", kGauge, "Memory in use", [](const GatewayFigures&) { return resident_bytes(); }},
    {"process_cpu_seconds_total", kCounter, "Processor time used", [](const GatewayFigures&) { return cpu_seconds(); }},
    {"process_open_fds", kGauge, "Open files and sockets", [](const GatewayFigures&) { return open_files(); }},
    {"process_start_time_seconds", kGauge, "When gridd was started, in seconds since 1970",
     [](const GatewayFigures&) { return start_time(); }},
};

ClientMetric number(MetricType type, double value) {
  ClientMetric metric;
  if (type == kCounter) metric.counter.value = value;
  if (type == kGauge) metric.gauge.value = value;
  return metric;
}

const CoordinatorStatus& subject_of(const AppMetric&, const AppFigures& app) { return app.status; }
const FactFigures& subject_of(const FactMetric&, const AppFigures& app) { return app.facts; }

template <typename Metric>
MetricFamily family_of(const Metric& metric, const std::vector<AppFigures>& apps) {
  MetricFamily family{metric.name, metric.says, metric.type, {}};
  for (const AppFigures& app : apps) {
    family.metric.push_back(number(metric.type, metric.value(subject_of(metric, app))));
    family.metric.back().label.push_back({"app", app.app});
  }
  return family;
}

constexpr const char* kRejected = "grid_ops_rejected_total";
constexpr const char* kRejectedSays =
    "Writes of devices that were refused, by reason: the words of gridctl; clock_ahead is the clock's verdict, "
    "full the quota's";

// Every reason that there is, so that a first refusal is seen as a change.
MetricFamily rejections_of(const std::vector<AppFigures>& apps) {
  MetricFamily family{kRejected, kRejectedSays, kCounter, {}};
  for (const AppFigures& app : apps) {
    for (std::size_t i = 1; i < kStatuses; ++i) {
      family.metric.push_back(number(kCounter, count(app.status.rejected_by[i])));
      family.metric.back().label = {{"app", app.app}, {"reason", grid::name_of(static_cast<Status>(i))}};
    }
  }
  return family;
}

MetricFamily family_of(const TimeMetric& metric, const std::vector<AppFigures>& apps) {
  MetricFamily family{metric.name, metric.says, MetricType::Histogram, {}};
  for (const AppFigures& app : apps) {
    family.metric.push_back(metric.timing(*app.timings).histogram().Collect());
    family.metric.back().label.push_back({"app", app.app});
  }
  return family;
}

MetricFamily family_of(const EngineMetric& metric, const std::vector<EngineFigures>& engines) {
  MetricFamily family{metric.name, metric.says, kGauge, {}};
  for (const EngineFigures& engine : engines) {
    family.metric.push_back(number(kGauge, metric.value(engine)));
    family.metric.back().label.push_back({"engine", std::to_string(family.metric.size())});
  }
  return family;
}

MetricFamily family_of(const WaitMetric& metric, const std::vector<EngineFigures>& engines) {
  MetricFamily family{metric.name, metric.says, MetricType::Histogram, {}};
  for (const EngineFigures& engine : engines) {
    family.metric.push_back((engine.*metric.timing)->histogram().Collect());
    family.metric.back().label.push_back({"engine", std::to_string(family.metric.size())});
  }
  return family;
}

const char* name_of(MetricType type) {
  return type == kCounter ? "counter" : type == MetricType::Histogram ? "histogram" : "gauge";
}

std::string row_of(const char* name, MetricType type, const char* labels, const char* says) {
  return std::string("| `")
             .append(name)
             .append("` | ")
             .append(name_of(type))
             .append(" | ")
             .append(labels)
             .append(" | ") +
         std::string(says).append(" |\n");
}

}  // namespace

Timing::Timing()
    : histogram_(std::make_unique<prometheus::Histogram>(prometheus::Histogram::BucketBoundaries{
          0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10})) {}

Timing::~Timing() = default;

void Timing::note(std::uint64_t ns) { histogram_->Observe(static_cast<double>(ns) / 1e9); }

std::string metrics_text(const GatewayFigures& figures) {
  std::vector<MetricFamily> families;
  for (const GatewayMetric& metric : kGatewayMetrics) {
    families.push_back({metric.name, metric.says, metric.type, {number(metric.type, metric.value(figures))}});
  }
  for (const EngineMetric& metric : kEngineMetrics) families.push_back(family_of(metric, figures.engines));
  for (const WaitMetric& metric : kWaitMetrics) families.push_back(family_of(metric, figures.engines));
  for (const AppMetric& metric : kAppMetrics) families.push_back(family_of(metric, figures.apps));
  for (const FactMetric& metric : kFactMetrics) families.push_back(family_of(metric, figures.apps));
  families.push_back(rejections_of(figures.apps));
  for (const TimeMetric& metric : kTimeMetrics) families.push_back(family_of(metric, figures.apps));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

std::string metrics_reference() {
  std::string table = "| metric | type | labels | says |\n|---|---|---|---|\n";
  for (const GatewayMetric& metric : kGatewayMetrics) table += row_of(metric.name, metric.type, "", metric.says);
  for (const EngineMetric& metric : kEngineMetrics) table += row_of(metric.name, kGauge, "engine", metric.says);
  for (const WaitMetric& metric : kWaitMetrics) {
    table += row_of(metric.name, MetricType::Histogram, "engine", metric.says);
  }
  for (const AppMetric& metric : kAppMetrics) table += row_of(metric.name, metric.type, "app", metric.says);
  for (const FactMetric& metric : kFactMetrics) table += row_of(metric.name, metric.type, "app", metric.says);
  table += row_of(kRejected, kCounter, "app, reason", kRejectedSays);
  for (const TimeMetric& metric : kTimeMetrics) {
    table += row_of(metric.name, MetricType::Histogram, "app", metric.says);
  }
  return table;
}

}  // namespace grid::server
