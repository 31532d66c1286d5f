#include "cli/options/verbs.h"
#include "common/quantity.h"

namespace xylem::cli {
namespace {

constexpr std::int64_t kRecordBytesMax = 1024L * 1024;
constexpr std::int64_t kBatchBytesMost = 8L * 1024 * 1024;
constexpr std::int64_t kSecondsMax = 3'600;
constexpr std::int64_t kPairsMax = 1'000;

struct RawStorage {
  BenchStorageOptions options;
  std::string bytes = "1GiB";
  std::string only;
};

Result<std::vector<std::string>> parts_of(const std::string& list) {
  const auto known = storage_parts();
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < list.size();) {
    const auto comma = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, comma - at));
    at = comma + 1;
    if (std::ranges::find(known, parts.back()) == known.end())
      return fail(Errc::kInvalidRequest, "--only: there is no \"" + parts.back() + "\"");
  }
  return parts;
}

Result<Command> finish_storage(RawStorage& raw) {
  auto bytes = parse_bytes(raw.bytes);
  if (!bytes) return pass(bytes, "--bytes");
  if (*bytes < 1) return fail(Errc::kInvalidRequest, "--bytes must be above 0");
  raw.options.load.bytes = *bytes;
  auto only = parts_of(raw.only);
  if (!only) return pass(only);
  raw.options.only = std::move(*only);
  return raw.options;
}

}  // namespace

void add_bench_storage_verb(Verb& group) {
  auto& verb =
      group.verb("storage", "this machine's disk and CPU through our log, beside its limit");
  auto& raw = verb.fills<RawStorage>(finish_storage);
  auto& options = raw.options;
  auto& load = options.load;
  std::string parts;
  for (const auto& part : storage_parts()) parts += (parts.empty() ? "" : ",") + part;
  verb.text("--only", raw.only, "some of " + parts);
  verb.text("--dir", options.directory, "where it makes a directory of its own, removed at the end")
      .show_default();
  verb.number("--size", load.record_bytes, "bytes of a record's value; 0: what a line is for")
      .between(0, kRecordBytesMax)
      .show_default();
  verb.number("--batch-bytes", load.batch_bytes, "of a batch; 0: what a line is for")
      .between(0, kBatchBytesMost)
      .show_default();
  verb.text("--bytes", raw.bytes, "of a run that ends by itself: 64MiB, 10GiB").show_default();
  verb.number("--seconds", load.seconds, "of a run that does not")
      .between(1, kSecondsMax)
      .show_default();
  verb.number("--pairs", load.pairs, "how many runs, each followed by one of the limit")
      .between(1, kPairsMax)
      .show_default();
  verb.flag("--json", options.json, "for machines");
}

}  // namespace xylem::cli
