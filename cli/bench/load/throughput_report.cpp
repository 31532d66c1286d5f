#include "cli/bench/load/throughput_report.h"

#include "cli/bench/paired.h"
#include "cli/output.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Field = double ThroughputFigures::*;
using Runs = std::vector<ThroughputFigures>;

double median_of(const Runs& runs, Field field) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const auto& run : runs) values.push_back(run.*field);
  return median(std::move(values));
}

std::optional<double> ratio_of(const ThroughputCase& one, Field field) {
  std::vector<double> values;
  for (std::size_t i = 0; i < one.other.size(); ++i) {
    if (one.other[i].*field > 0) values.push_back(one.ours[i].*field / one.other[i].*field);
  }
  if (values.empty()) return std::nullopt;
  return median(std::move(values));
}

Json figures_json(const ThroughputCase& one, const Runs& runs) {
  Json json{
      {"size", one.record_bytes},
      {"flush", one.flush},
      {"records_per_s", median_of(runs, &ThroughputFigures::records_per_s)},
      {"bytes_per_s", median_of(runs, &ThroughputFigures::bytes_per_s)},
      {"cpu_ns_per_record", median_of(runs, &ThroughputFigures::cpu_ns_per_record)},
      {"client_cpu_ns_per_record", median_of(runs, &ThroughputFigures::client_cpu_ns_per_record)}};
  std::int64_t records = 0;
  std::int64_t misplaced = 0;
  for (const auto& run : runs) {
    records += run.records;
    misplaced += run.misplaced;
  }
  json["records"] = records;
  json["misplaced"] = misplaced;
  return json;
}

void add_ratios(const ThroughputCase& one, Json& json) {
  const auto of = "_" + std::to_string(one.record_bytes) + "_" + one.flush;
  if (const auto ratio = ratio_of(one, &ThroughputFigures::records_per_s))
    json["ratio"]["throughput" + of] = *ratio;
  if (const auto ratio = ratio_of(one, &ThroughputFigures::cpu_ns_per_record))
    json["ratio"]["cpu" + of] = *ratio;
  if (one.disk_bytes_per_s)
    json["ratio"]["synced_disk" + of] =
        median_of(one.ours, &ThroughputFigures::bytes_per_s) / *one.disk_bytes_per_s;
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string fixed(std::optional<double> value, int digits) {
  return value ? fixed(*value, digits) : "-";
}

void add_row(Table& table,
             const std::string& who,
             const ThroughputCase& one,
             const Runs& runs,
             bool with_ratio) {
  constexpr double kMega = 1e6;
  const auto ratio = [&](Field field) {
    return with_ratio ? fixed(ratio_of(one, field), 2) : std::string();
  };
  table.add({std::to_string(one.record_bytes), one.flush, who,
             fixed(median_of(runs, &ThroughputFigures::records_per_s), 0),
             fixed(median_of(runs, &ThroughputFigures::bytes_per_s) / kMega, 1),
             fixed(median_of(runs, &ThroughputFigures::cpu_ns_per_record), 0),
             fixed(median_of(runs, &ThroughputFigures::client_cpu_ns_per_record), 0),
             ratio(&ThroughputFigures::records_per_s),
             ratio(&ThroughputFigures::cpu_ns_per_record)});
}

}  // namespace

bool all_in_place(const ThroughputReport& report) {
  for (const auto& one : report.cases) {
    for (const auto* runs : {&one.ours, &one.other}) {
      for (const auto& run : *runs) {
        if (run.misplaced != 0) return false;
      }
    }
  }
  return true;
}

std::string throughput_json(const ThroughputReport& report) {
  Json json{{"name", report.name},
            {"params",
             {{"seconds", report.seconds}, {"vs", report.versus}, {"consumers", report.consumers}}},
            {"results", Json::array()},
            {"machine",
             {{"system", report.machine.system},
              {"cpu", report.machine.cpu},
              {"cpus", report.machine.cpus},
              {"load", report.machine.load}}}};
  for (const auto& one : report.cases) {
    json["params"]["pairs"] = one.ours.size();
    json["results"].push_back(figures_json(one, one.ours));
    if (one.disk_bytes_per_s)
      json["results"].back()["synced_disk_bytes_per_s"] = *one.disk_bytes_per_s;
    if (one.other.empty()) continue;
    json["limit"].push_back(figures_json(one, one.other));
    json["limit"].back()["name"] = report.versus;
    add_ratios(one, json);
  }
  return json.dump() + "\n";
}

std::string throughput_text(const ThroughputReport& report) {
  Table table({"SIZE", "FLUSH", "", "RECORDS/s", "MB/s", "CPU ns/RECORD", "CLIENT ns", "RATIO",
               "CPU RATIO"});
  for (const auto& one : report.cases) {
    add_row(table, "xylem", one, one.ours, true);
    if (!one.other.empty()) add_row(table, report.versus, one, one.other, false);
  }
  auto text = table.text();
  for (const auto& one : report.cases) {
    if (!one.disk_bytes_per_s) continue;
    text += "the disk alone, " + std::to_string(one.record_bytes) +
            " B, a sync a window: " + fixed(*one.disk_bytes_per_s / 1e6, 1) + " MB/s\n";
  }
  if (!all_in_place(report)) text += "records were lost, doubled or out of order\n";
  return text;
}

}  // namespace xylem::cli
