#include "cli/options/bench_parts.h"

#include "cli/bench/probe_record.h"
#include "common/quantity.h"

namespace xylem::cli {
namespace {

constexpr std::int64_t kRateMax = 1'000'000;  // records per second

}  // namespace

void add_paced_load(Verb& verb, LatencyLoad& load) {
  verb.number("--rate", load.rate, "records per second").between(1, kRateMax).show_default();
  verb.number("--seconds", load.seconds, "of each run").between(1, kBenchSecondsMax).show_default();
  verb.number("--size", load.bytes, "bytes of a record's value, half of them random")
      .between(kProbeBytesMin, kBenchRecordBytesMax)
      .show_default();
}

void add_started_brokers(Verb& verb, std::string& programs, std::string& directory, bool& json) {
  verb.text("--programs", programs, "where the brokers' programs are; none: beside xylem");
  verb.text("--dir", directory, "where started brokers write: a disk").show_default();
  verb.flag("--json", json, "for machines");
}

Result<std::size_t> bytes_in(const std::string& text,
                             const std::string& option,
                             std::int64_t most) {
  auto bytes = parse_bytes(text);
  if (!bytes) return pass(bytes, option);
  if (*bytes < 1 || *bytes > most)
    return fail(Errc::kInvalidRequest, option + " is 1 to " + std::to_string(most));
  return static_cast<std::size_t>(*bytes);
}

}  // namespace xylem::cli
