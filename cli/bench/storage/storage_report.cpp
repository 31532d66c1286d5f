#include "cli/bench/storage/storage_report.h"

#include "cli/bench/paired.h"
#include "cli/output.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Runs = std::vector<StorageRun>;

template <class Figure>
double middle(const Runs& runs, const Figure& figure) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const auto& run : runs) values.push_back(figure(run));
  return median(values);
}

double per_second(const StorageRun& run, std::int64_t count) {
  return run.seconds > 0 ? static_cast<double>(count) / run.seconds : 0;
}

double cpu_per_record(const StorageRun& run) {
  return run.records > 0 ? run.cpu_ns / static_cast<double>(run.records) : 0;
}

double bytes_per_s(const StorageRun& run) { return per_second(run, run.bytes); }

double records_per_s(const StorageRun& run) { return per_second(run, run.records); }

double syncs_per_s(const StorageRun& run) { return per_second(run, run.syncs); }

std::vector<double> ratios(const StorageLine& line, const Runs& limit) {
  std::vector<double> values;
  for (std::size_t i = 0; i < limit.size(); ++i) {
    const auto below = figure_of(limit[i], line.compare);
    if (below > 0) values.push_back(figure_of(line.ours[i], line.compare) / below);
  }
  return values;
}

Json figures_json(const Runs& runs) {
  Json json{{"seconds", middle(runs, [](const auto& run) { return run.seconds; })},
            {"bytes_per_s", middle(runs, bytes_per_s)},
            {"records_per_s", middle(runs, records_per_s)},
            {"cpu_ns_per_record", middle(runs, cpu_per_record)},
            {"syncs_per_s", middle(runs, syncs_per_s)}};
  for (const auto& run : runs) json["runs_s"].push_back(run.seconds);
  if (!runs.empty() && runs.front().p99_us > 0) {
    json["p50_ms"] = middle(runs, [](const auto& run) { return run.p50_us / 1'000; });
    json["p99_ms"] = middle(runs, [](const auto& run) { return run.p99_us / 1'000; });
  }
  return json;
}

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

// The figure that the line is about.
std::string shown(const StorageLine& line, const Runs& runs) {
  const auto value = middle(runs, [&](const auto& run) { return figure_of(run, line.compare); });
  switch (line.compare) {
    case Compare::kBytesPerSecond:
      return fixed(value / 1e6, 0) + " MB/s";
    case Compare::kRecordsPerSecond:
      return fixed(value, 0) + "/s";
    case Compare::kP99:
      return fixed(middle(runs, [](const auto& run) { return run.p50_us; }), 2) + ", " +
             fixed(value, 2) + " us";
    case Compare::kSeconds:
      return fixed(value * 1'000, 1) + " ms";
  }
  return "";
}

std::string ratio_text(const std::vector<double>& values) {
  if (values.empty()) return "-";
  const auto interval = median_interval_90(values);
  return fixed(median(values), 2) +
         (interval ? " (" + fixed(interval->first, 2) + " to " + fixed(interval->second, 2) + ")"
                   : "");
}

void add_rows(const StorageLine& line, Table& table) {
  const auto cells = [&](const Runs& runs) {
    const auto rate = middle(runs, records_per_s);
    const auto syncs = middle(runs, syncs_per_s);
    return std::vector<std::string>{shown(line, runs), fixed(rate, 0),
                                    fixed(middle(runs, cpu_per_record), 1),
                                    syncs > 0 ? fixed(syncs, 0) : "-"};
  };
  const auto add = [&](std::vector<std::string> head, const Runs& runs, std::string ratio) {
    for (auto& cell : cells(runs)) head.push_back(std::move(cell));
    head.push_back(std::move(ratio));
    table.add(std::move(head));
  };
  add({line.what}, line.ours, line.target.empty() ? "" : "target " + line.target);
  for (const auto& limit : line.limits) {
    const auto behind = limit.name == line.name ? "" : limit.name.substr(line.name.size() + 4);
    add({"  limit " + behind}, limit.runs, ratio_text(ratios(line, limit.runs)));
  }
}

}  // namespace

std::string storage_json(const StorageReport& report) {
  Json json{{"name", "storage"},
            {"params",
             {{"size", report.load.record_bytes},
              {"batch_bytes", report.load.batch_bytes},
              {"bytes", report.load.bytes},
              {"seconds", report.load.seconds},
              {"pairs", report.load.pairs}}},
            {"results", Json::object()},
            {"limit", Json::object()},
            {"ratio", Json::object()},
            {"ratio_interval_90", Json::object()},
            {"machine",
             {{"system", report.machine.system},
              {"cpu", report.machine.cpu},
              {"cpus", report.machine.cpus},
              {"load", report.machine.load}}}};
  for (const auto& line : report.lines) {
    json["results"][line.name] = figures_json(line.ours);
    for (const auto& [name, runs] : line.limits) {
      json["limit"][name] = figures_json(runs);
      const auto values = ratios(line, runs);
      json["ratio"][name] = median(values);
      const auto interval = median_interval_90(values);
      json["ratio_interval_90"][name] =
          interval ? Json{interval->first, interval->second} : Json(nullptr);
    }
  }
  return json.dump() + "\n";
}

std::string storage_text(const StorageReport& report) {
  Table table({"", "", "RECORDS/s", "CPU ns/RECORD", "SYNCS/s", "OURS / LIMIT (90 %)"});
  for (const auto& line : report.lines) add_rows(line, table);
  return table.text();
}

}  // namespace xylem::cli
