#include "cli/bench/latency_report.h"

#include "cli/bench/paired.h"
#include "cli/output.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Field = double LatencyFigures::*;

constexpr double kUsPerMs = 1'000;

std::vector<double> column(const std::vector<LatencyFigures>& runs, Field field) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const auto& run : runs) values.push_back(run.*field);
  return values;
}

std::vector<double> ratios(const LatencyReport& report, const LatencyLimit& limit, Field field) {
  std::vector<double> values;
  for (std::size_t i = 0; i < limit.runs.size(); ++i) {
    if (limit.runs[i].*field > 0) values.push_back(report.ours[i].*field / limit.runs[i].*field);
  }
  return values;
}

LatencyFigures medians(const std::vector<LatencyFigures>& runs) {
  LatencyFigures figures;
  for (const Field field : {&LatencyFigures::p50_ms, &LatencyFigures::p99_ms,
                            &LatencyFigures::p999_ms, &LatencyFigures::max_ms,
                            &LatencyFigures::records_per_s, &LatencyFigures::cpu_ns_per_record})
    figures.*field = median(column(runs, field));
  for (const auto& run : runs) {
    figures.records += run.records;
    figures.misplaced += run.misplaced;
  }
  return figures;
}

Json figures_json(const LatencyFigures& figures) {
  Json json{{"p50_ms", figures.p50_ms},
            {"p99_ms", figures.p99_ms},
            {"p999_ms", figures.p999_ms},
            {"max_ms", figures.max_ms},
            {"records_per_s", figures.records_per_s},
            {"records", figures.records},
            {"misplaced", figures.misplaced}};
  if (figures.cpu_ns_per_record > 0) json["cpu_ns_per_record"] = figures.cpu_ns_per_record;
  return json;
}

Json runs_json(const std::vector<LatencyFigures>& runs) {
  Json json = Json::array();
  for (const auto& run : runs) json.push_back(figures_json(run));
  return json;
}

void add_ratio(const LatencyReport& report,
               const LatencyLimit& limit,
               const std::string& name,
               Field field,
               Json& json) {
  const auto values = ratios(report, limit, field);
  if (values.empty()) return;
  json["ratio"][name] = median(values);
  const auto interval = median_interval_90(values);
  json["ratio_interval_90"][name] =
      interval ? Json{interval->first, interval->second} : Json(nullptr);
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

void add_row(Table& table, const std::string& name, const LatencyFigures& figures) {
  table.add({name, fixed(figures.p50_ms, 3), fixed(figures.p99_ms, 3), fixed(figures.p999_ms, 3),
             fixed(figures.max_ms, 3), fixed(figures.records_per_s, 0),
             figures.cpu_ns_per_record > 0 ? fixed(figures.cpu_ns_per_record / 1'000, 1) : "-"});
}

void add_limit(const LatencyReport& report, const LatencyLimit& limit, Json& json) {
  const bool is_first = &limit == &report.limits.front();
  const std::string of = is_first ? "" : "_" + limit.name;
  json["limit" + of] = figures_json(medians(limit.runs));
  json["limit" + of]["name"] = limit.name;
  json["limit" + of + "_runs"] = runs_json(limit.runs);
  add_ratio(report, limit, "p50" + of, &LatencyFigures::p50_ms, json);
  add_ratio(report, limit, "p99" + of, &LatencyFigures::p99_ms, json);
  add_ratio(report, limit, "cpu" + of, &LatencyFigures::cpu_ns_per_record, json);
}

std::string versus_of(const LatencyReport& report) {
  std::vector<std::string> names;
  for (const auto& limit : report.limits) names.push_back(limit.name);
  return joined(names);
}

std::string ratio_text(const LatencyReport& report,
                       const LatencyLimit& limit,
                       const std::string& name,
                       Field field) {
  const auto values = ratios(report, limit, field);
  if (values.empty()) return "";
  const auto interval = median_interval_90(values);
  return name + " " + fixed(median(values), 2) + " x" +
         (interval
              ? " (90 %: " + fixed(interval->first, 2) + " to " + fixed(interval->second, 2) + ")"
              : "");
}

}  // namespace

LatencyFigures figures_of(const LatencyRun& run, std::int64_t cpu_ns) {
  const auto& latency = run.latency_us;
  const auto ms = [&](double share) { return static_cast<double>(latency.at(share)) / kUsPerMs; };
  const auto records = static_cast<double>(std::max<std::int64_t>(run.received, 1));
  return {
      .p50_ms = ms(0.5),
      .p99_ms = ms(0.99),
      .p999_ms = ms(0.999),
      .max_ms = static_cast<double>(latency.max()) / kUsPerMs,
      .records_per_s = run.elapsed_s > 0 ? static_cast<double>(run.received) / run.elapsed_s : 0,
      .cpu_ns_per_record = static_cast<double>(cpu_ns) / records,
      .records = run.received,
      .misplaced = run.misplaced};
}

std::string latency_json(const LatencyReport& report) {
  Json json{{"name", report.name},
            {"params",
             {{"rate", report.load.rate},
              {"seconds", report.load.seconds},
              {"size", report.load.bytes},
              {"pairs", report.ours.size()},
              {"vs", versus_of(report)}}},
            {"results", figures_json(medians(report.ours))},
            {"runs", runs_json(report.ours)},
            {"machine",
             {{"system", report.machine.system},
              {"cpu", report.machine.cpu},
              {"cpus", report.machine.cpus},
              {"load", report.machine.load}}}};
  if (!report.flush.empty()) json["params"]["flush"] = report.flush;
  for (const auto& limit : report.limits) add_limit(report, limit, json);
  return json.dump() + "\n";
}

std::string latency_text(const LatencyReport& report) {
  Table table({"", "P50 ms", "P99 ms", "P99.9 ms", "MAX ms", "RECORDS/s", "CPU us/RECORD"});
  const auto ours = medians(report.ours);
  add_row(table, "brokers", ours);
  for (const auto& limit : report.limits) add_row(table, limit.name, medians(limit.runs));
  std::string text = table.text() + std::to_string(ours.records) + " records of " +
                     std::to_string(report.load.bytes) + " B in " +
                     std::to_string(report.ours.size()) + " runs, " +
                     std::to_string(ours.misplaced) + " lost, doubled or out of order\n";
  for (const auto& limit : report.limits) {
    text += "ratio to " + limit.name + ": " +
            ratio_text(report, limit, "p50", &LatencyFigures::p50_ms) + "; " +
            ratio_text(report, limit, "p99", &LatencyFigures::p99_ms) + "\n";
  }
  return text;
}

}  // namespace xylem::cli
