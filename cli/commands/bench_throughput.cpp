#include "cli/commands/bench_throughput.h"

#include "cli/bench/load/load_run.h"
#include "cli/bench/load/measured_broker.h"
#include "cli/bench/load/native_connection.h"
#include "cli/bench/load/synced_disk.h"
#include "cli/bench/load/throughput_report.h"
#include "cli/output.h"
#include "common/random.h"

#include <algorithm>
#include <memory>
#include <unistd.h>

namespace xylem::cli {
namespace {

using Kind = MeasuredBroker::Kind;
using From = LoadWire::From;

// What every run of one size and flush policy shares.
struct Setting {
  const BenchThroughputOptions& options;
  const LoadBatches& batches;
  std::string flush;
  LoadTopic topic;
  Random& random;
};

LoadLimits limits_of(const Setting& setting, const LoadWire& wire) {
  const auto& options = setting.options;
  const auto unit_bytes = wire.unit(0).size();
  LoadLimits limits;
  limits.consumes = !options.only_produces;
  limits.units_in_flight =
      static_cast<std::int64_t>(std::max<std::size_t>(options.window_bytes / unit_bytes, 1));
  if (options.bytes > 0) {
    const auto of_unit =
        setting.batches.record_bytes() * static_cast<std::size_t>(wire.unit_records());
    limits.units = static_cast<std::int64_t>((options.bytes + of_unit - 1) / of_unit);
  } else {
    limits.seconds = static_cast<double>(options.seconds);
  }
  if (options.records_per_s > 0) limits.records_per_s = static_cast<double>(options.records_per_s);
  return limits;
}

std::unique_ptr<LoadWire> make_wire(const Setting& setting,
                                    Kind kind,
                                    const network::Address& broker) {
  if (kind != Kind::kNats) return make_native_wire(broker, setting.topic, setting.batches);
  return make_nats_wire(broker, setting.batches.record_bytes(), setting.random);
}

// The log that is consumed: made once a run, not measured.
Status fill(const Setting& setting, const network::Address& broker, const Clock& clock) {
  const auto wire = make_native_wire(broker, setting.topic, setting.batches);
  if (auto opened = wire->open(From::kNowhere); !opened) return opened;
  auto limits = limits_of(setting, *wire);
  limits.consumes = false;
  const auto run = run_produce(*wire, limits, clock);
  if (!run) return std::unexpected(run.error());
  return {};
}

Result<LoadRun> run_load(const Setting& setting, LoadWire& wire, const Clock& clock) {
  const auto limits = limits_of(setting, wire);
  if (!setting.options.consumes) return run_produce(wire, limits, clock);
  return run_consume(wire, wire.records_there(), clock);
}

Result<ThroughputFigures> measure(const Setting& setting, Kind kind) {
  const auto& options = setting.options;
  const SystemClock clock;
  std::unique_ptr<MeasuredBroker> started;
  auto address = options.broker.value_or(network::Address());
  if (kind != Kind::kXylem || !options.broker) {
    auto broker = MeasuredBroker::start({.kind = kind,
                                         .programs = options.programs,
                                         .directory = options.directory,
                                         .syncs = setting.flush == "always"});
    if (!broker) return pass(broker);
    started = std::move(*broker);
    address = started->address();
  }
  if (options.consumes && options.topic.empty()) {
    if (auto filled = fill(setting, address, clock); !filled) return pass(filled);
  }
  const auto wire = make_wire(setting, kind, address);
  const std::vector<pid_t> pids = started ? std::vector{started->pid()} : std::vector<pid_t>();
  const auto before_ns = cpu_time_ns(pids);
  const auto own_before_ns = cpu_time_ns({getpid()});
  const auto live = options.only_produces ? From::kNowhere : From::kEnd;
  if (auto opened = wire->open(options.consumes ? From::kBeginning : live); !opened)
    return pass(opened);
  auto run = run_load(setting, *wire, clock);
  if (!run) return pass(run);
  const auto records = static_cast<double>(std::max<std::int64_t>(run->records, 1));
  const auto rate = static_cast<double>(run->records) / run->elapsed_s;
  return ThroughputFigures{
      .records_per_s = rate,
      .bytes_per_s = rate * static_cast<double>(setting.batches.record_bytes()),
      .cpu_ns_per_record = static_cast<double>(cpu_time_ns(pids) - before_ns) / records,
      .client_cpu_ns_per_record =
          static_cast<double>(cpu_time_ns({getpid()}) - own_before_ns) / records,
      .records = run->records,
      .misplaced = run->misplaced};
}

// Without --topic each run has a new one, that is gone afterwards.
Result<ThroughputFigures> measure_ours(Setting setting) {
  const auto& options = setting.options;
  if (!options.topic.empty()) return measure(setting, Kind::kXylem);
  setting.topic.name += "-" + std::to_string(setting.random.next());
  auto measured = measure(setting, Kind::kXylem);
  if (!measured || !options.broker) return measured;
  if (auto gone = delete_native_topic(*options.broker, setting.topic.name); !gone)
    return pass(gone);
  return measured;
}

Result<ThroughputCase> measure_case(const Setting& setting) {
  const auto& options = setting.options;
  ThroughputCase measured{.record_bytes = setting.batches.record_bytes(), .flush = setting.flush};
  for (std::int64_t pair = 0; pair < options.pairs; ++pair) {
    auto ours = measure_ours(setting);
    if (!ours) return pass(ours, "xylem-broker");
    measured.ours.push_back(*ours);
    if (options.versus.empty()) continue;
    auto other = measure(setting, options.versus == "nats" ? Kind::kNats : Kind::kNull);
    if (!other) return pass(other, options.versus);
    measured.other.push_back(*other);
  }
  if (setting.flush != "always") return measured;
  auto disk = measure_synced_disk(setting.batches, {.window_bytes = options.window_bytes,
                                                    .seconds = static_cast<double>(options.seconds),
                                                    .directory = options.directory,
                                                    .copies = options.copies});
  if (!disk) return pass(disk);
  measured.disk_bytes_per_s = *disk;
  return measured;
}

Result<ThroughputReport> measure_all(const BenchThroughputOptions& options) {
  ThroughputReport report{.name = options.consumes ? "consume" : "produce",
                          .versus = options.versus,
                          .seconds = options.seconds,
                          .machine = this_machine()};
  Random random(system_seed());
  for (const auto bytes : options.record_bytes) {
    const auto batches = LoadBatches::make(bytes, random);
    if (!batches) return std::unexpected(batches.error());
    for (const auto& flush : options.flushes) {
      const Setting setting{.options = options,
                            .batches = *batches,
                            .flush = flush,
                            .topic = {.name = options.topic.empty() ? "bench" : options.topic,
                                      .flush = flush,
                                      .is_strange = options.consumes && !options.topic.empty()},
                            .random = random};
      auto measured = measure_case(setting);
      if (!measured) return pass(measured);
      report.cases.push_back(std::move(*measured));
    }
  }
  return report;
}

}  // namespace

ExitCode run_bench_throughput(const BenchThroughputOptions& options) {
  const auto measured = measure_all(options);
  if (!measured) return report(measured.error());
  const auto told =
      finish_with(options.json ? throughput_json(*measured) : throughput_text(*measured));
  return all_in_place(*measured) ? told : ExitCode::kFailed;
}

}  // namespace xylem::cli
