#include "cli/options/verbs.h"
#include "common/quantity.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <utility>

namespace xylem::cli {
namespace {

struct RawProduce {
  ProduceOptions options;
  std::string brokers;
  std::string format = "lines";
  std::string acks = "all";
  std::string compression = "none";
  std::string timeout = "2m";
};

Result<Command> finish_produce(RawProduce& raw) {
  auto brokers = parse_brokers(raw.brokers);
  if (!brokers) return pass(brokers);
  raw.options.brokers = std::move(*brokers);
  if (auto good = check_topic_name(raw.options.topic); !good) return pass(good);
  auto kind = input_kind_of(raw.format);
  if (!kind) return pass(kind, "--format");
  raw.options.format.kind = *kind;
  if (auto good = make_input_format(raw.options.format); !good) return pass(good);
  auto compression = compression_of(raw.compression);
  if (!compression) return pass(compression, "--compression");
  raw.options.compression = *compression;
  auto timeout = parse_duration_ms(raw.timeout);
  if (!timeout) return pass(timeout, "--timeout");
  if (*timeout <= 0) return fail(Errc::kInvalidRequest, "--timeout must be more than nothing");
  raw.options.timeout_ms = static_cast<std::uint64_t>(*timeout);
  if (raw.options.generate && !raw.options.files.empty())
    return fail(Errc::kInvalidRequest, "--generate reads no files");
  raw.options.acks = static_cast<std::int8_t>(raw.acks == "all" ? -1 : raw.acks == "1" ? 1 : 0);
  return raw.options;
}

void add_produce(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* verb = app.add_subcommand("produce", "publish what files or standard input hold");
  auto raw = std::make_shared<RawProduce>();
  raw->brokers = defaults.brokers;
  auto& options = raw->options;
  verb->add_option("TOPIC", options.topic)->required();
  verb->add_option("FILE", options.files, "- or none: standard input");
  verb->add_option("--broker", raw->brokers, "host:port,... [XYLEM_BROKER]")->capture_default_str();
  verb->add_option("--format", raw->format, "lines, ndjson, csv or stanza")->capture_default_str();
  verb->add_option("--key", options.format.key,
                   "the field that is the key (stanza: Package if not said)");
  verb->add_option("--delimiter", options.format.delimiter,
                   "lines: between key and value; csv: between fields");
  verb->add_flag("--envelope", options.format.envelope,
                 "ndjson: lines are {\"key\",\"value\",\"headers\"}; value null deletes");
  verb->add_option("--acks", raw->acks, "0: do not wait, 1: the leader, all: every replica in sync")
      ->check(CLI::IsMember({"0", "1", "all"}))
      ->capture_default_str();
  verb->add_option("--rate", options.rate, "records per second; 0: no limit")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{10'000'000}));
  verb->add_option("--compression", raw->compression, "none, gzip, snappy, lz4 or zstd")
      ->capture_default_str();
  verb->add_flag("--generate", options.generate, "numbered records for ever, instead of files");
  verb->add_option("--count", options.count, "stop after so many records; 0: all")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--timeout", raw->timeout, "for each record to be acknowledged")
      ->capture_default_str();
  verb->add_flag("--json", options.json, "the summary for machines, on standard output");
  verbs.push_back({verb, [raw] { return finish_produce(*raw); }});
}

struct RawConsume {
  ConsumeOptions options;
  std::string brokers;
  std::string from;
  std::string format = "ndjson";
  std::int32_t partition = -1;
};

Status take_start(const std::string& from, ConsumeOptions& options) {
  using network::StartAt;
  if (from.empty()) {
    options.start = options.group.empty() ? StartAt::kEarliest : StartAt::kCommitted;
  } else if (from == "earliest") {
    options.start = StartAt::kEarliest;
  } else if (from == "latest") {
    options.start = StartAt::kLatest;
  } else {
    auto offset = parse_number(from);
    if (!offset || *offset < 0)
      return fail(Errc::kInvalidRequest, "--from is earliest, latest or an offset");
    options.start = StartAt::kOffset;
    options.start_offset = Offset(*offset);
  }
  return {};
}

Result<Command> finish_consume(RawConsume& raw) {
  auto brokers = parse_brokers(raw.brokers);
  if (!brokers) return pass(brokers);
  raw.options.brokers = std::move(*brokers);
  if (auto good = check_topic_name(raw.options.topic); !good) return pass(good);
  auto output = output_kind_of(raw.format);
  if (!output) return pass(output, "--format");
  raw.options.output = *output;
  if (raw.partition >= 0) raw.options.partition = PartitionId(raw.partition);
  if (auto taken = take_start(raw.from, raw.options); !taken) return pass(taken);
  return raw.options;
}

void add_consume(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* verb = app.add_subcommand("consume", "write a topic's records to standard output");
  auto raw = std::make_shared<RawConsume>();
  raw->brokers = defaults.brokers;
  auto& options = raw->options;
  verb->add_option("TOPIC", options.topic)->required();
  verb->add_option("--broker", raw->brokers, "host:port,... [XYLEM_BROKER]")->capture_default_str();
  verb->add_option("--group", options.group, "go on where it was, and commit");
  verb->add_option("--from", raw->from,
                   "earliest, latest or an offset (else: the group's place, or earliest)");
  verb->add_option("--partition", raw->partition, "only this one")
      ->check(CLI::Range(0, std::numeric_limits<std::int32_t>::max()));
  verb->add_option("--count", options.count, "stop after so many records; 0: no such limit")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--follow", options.follow, "wait for what comes next");
  verb->add_option("--format", raw->format, "ndjson, value or full")->capture_default_str();
  verbs.push_back({verb, [raw] { return finish_consume(*raw); }});
}

}  // namespace

void add_record_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  add_produce(app, defaults, verbs);
  add_consume(app, defaults, verbs);
}

}  // namespace xylem::cli
