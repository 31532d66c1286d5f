#include "cli/options/verbs.h"
#include "common/batch/due_time.h"
#include "common/clock.h"
#include "common/config/point_in_time.h"
#include "common/quantity.h"

#include <limits>
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
  std::string due_at;
  std::string delay;
};

Status take_due_time(const RawProduce& raw, ProduceOptions& options) {
  if (!raw.due_at.empty() && !raw.delay.empty())
    return fail(Errc::kInvalidRequest, "--due-at and --delay say the same: give one of them");
  const auto now_ms = SystemClock().wall_ms();
  if (!raw.delay.empty()) {
    auto delay = parse_duration_ms(raw.delay);
    if (!delay) return pass(delay, "--delay");
    if (*delay < 0) return fail(Errc::kInvalidRequest, "--delay must not be negative");
    if (*delay > kDueAheadMsMax) return fail(Errc::kInvalidRequest, "--delay is at most 400d");
    options.delay_ms = *delay;
  }
  if (raw.due_at.empty()) return {};
  if (parse_duration_ms(raw.due_at))
    return fail(Errc::kInvalidRequest, "--due-at is a time; say --delay " + raw.due_at);
  auto due_at = parse_point_in_time(raw.due_at, now_ms);
  if (!due_at) return pass(due_at, "--due-at");
  options.due_at_ms = *due_at;
  return check_due_at(*due_at, now_ms);
}

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
  if (auto good = take_due_time(raw, raw.options); !good) return pass(good);
  raw.options.acks = static_cast<std::int8_t>(raw.acks == "all" ? -1 : raw.acks == "1" ? 1 : 0);
  return raw.options;
}

void add_produce(Verb& program, const Defaults& defaults) {
  auto& verb = program.verb("produce", "publish what files or standard input hold");
  auto& raw = verb.fills<RawProduce>(finish_produce);
  raw.brokers = defaults.brokers;
  auto& options = raw.options;
  verb.text("TOPIC", options.topic).required();
  verb.texts("FILE", options.files, "- or none: standard input");
  verb.text("--broker", raw.brokers, "host:port,... [XYLEM_BROKER]").show_default();
  verb.text("--format", raw.format, "lines, ndjson, csv or stanza").show_default();
  verb.text("--key", options.format.key, "the field that is the key (stanza: Package if not said)");
  verb.text("--delimiter", options.format.delimiter,
            "lines: between key and value; csv: between fields");
  verb.flag("--envelope", options.format.envelope,
            "ndjson: lines are {\"key\",\"value\",\"headers\"}; value null deletes");
  verb.text("--acks", raw.acks, "0: do not wait, 1: the leader, all: every replica in sync")
      .one_of({"0", "1", "all"})
      .show_default();
  verb.number("--rate", options.rate, "records per second; 0: no limit").between(0, 10'000'000);
  verb.text("--compression", raw.compression, "none, gzip, snappy, lz4 or zstd").show_default();
  verb.flag("--generate", options.generate, "numbered records for ever, instead of files");
  verb.number("--count", options.count, "stop after so many records; 0: all").not_negative();
  verb.text("--timeout", raw.timeout, "for each record to be acknowledged").show_default();
  verb.flag("--json", options.json, "the summary for machines, on standard output");
  verb.text("--due-at", raw.due_at, "deliver at this time: 2026-11-22T10:00:00Z, or ms since 1970");
  verb.text("--delay", raw.delay, "deliver each record so long after it is sent: 30s, 2h");
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

void add_consume(Verb& program, const Defaults& defaults) {
  auto& verb = program.verb("consume", "write a topic's records to standard output");
  auto& raw = verb.fills<RawConsume>(finish_consume);
  raw.brokers = defaults.brokers;
  auto& options = raw.options;
  verb.text("TOPIC", options.topic).required();
  verb.text("--broker", raw.brokers, "host:port,... [XYLEM_BROKER]").show_default();
  verb.text("--group", options.group, "go on where it was, and commit");
  verb.text(
      "--instance", options.instance,
      "with --group: who keeps its partitions, and its place in broadcast topics, over restarts");
  verb.text("--from", raw.from,
            "earliest, latest or an offset (else: the group's place, or earliest)");
  verb.number("--partition", raw.partition, "only this one")
      .between(0, std::numeric_limits<std::int32_t>::max());
  verb.text("--filter", options.filter,
            R"(only what matches: key ^= "a" and header "h" = "x" and value "/price" >= 10)");
  verb.number("--count", options.count, "stop after so many records; 0: no such limit")
      .not_negative();
  verb.flag("--follow", options.follow, "wait for what comes next");
  verb.text("--format", raw.format, "ndjson, value or full").show_default();
}

}  // namespace

void add_record_verbs(Verb& program, const Defaults& defaults) {
  add_produce(program, defaults);
  add_consume(program, defaults);
}

}  // namespace xylem::cli
