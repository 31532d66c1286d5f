#include "cli/format/output_format.h"

#include "common/batch/record_json.h"
#include "common/text_encoding.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

// Foreign bytes on somebody's terminal: nothing in them may steer it.
void append_visible(const std::optional<Bytes>& bytes, std::string& out) {
  constexpr std::size_t kShownMax = 64ULL * 1024;
  if (!bytes) {
    out += "(null)";
    return;
  }
  if (!append_readable(text_of(*bytes), kShownMax, out)) out += "...";
}

std::string full_text(std::string place, const RecordView& record) {
  std::string out = std::move(place);
  out.append("  ").append(utc_time(record.timestamp_ms)).append("  key=");
  append_visible(record.key, out);
  for (const auto& header : record.headers) {
    out += "  ";
    append_visible(bytes_of(header.key), out);
    out += ':';
    append_visible(header.value, out);
  }
  out += "\n    ";
  if (record.is_tombstone())
    out += "(deleted)";
  else
    append_visible(record.value, out);
  return out + '\n';
}

}  // namespace

Result<OutputKind> output_kind_of(std::string_view name) {
  if (name == "ndjson") return OutputKind::kNdjson;
  if (name == "value") return OutputKind::kValue;
  if (name == "full") return OutputKind::kFull;
  return fail(Errc::kInvalidRequest, "no output format \"" + std::string(name) + "\"",
              "ndjson, value or full");
}

std::string record_text(OutputKind kind,
                        std::string_view topic,
                        PartitionId partition,
                        const BatchHeader& header,
                        const RecordView& record) {
  switch (kind) {
    case OutputKind::kNdjson:
      return record_json(topic, partition, header, record) + '\n';
    case OutputKind::kValue:
      return std::string(record.value ? text_of(*record.value) : "") + '\n';
    case OutputKind::kFull:
      return full_text(std::string(topic) + "/" + std::to_string(partition.value()) + "@" +
                           std::to_string(record.offset.value()),
                       record);
  }
  return {};
}

std::string utc_time(std::int64_t unix_ms) {
  constexpr std::int64_t kMsPerSecond = 1000;
  auto ms = unix_ms % kMsPerSecond;
  auto seconds = static_cast<std::time_t>(unix_ms / kMsPerSecond);
  if (ms < 0) {
    ms += kMsPerSecond;
    --seconds;
  }
  std::tm parts{};
  std::array<char, 64> date{};
  if (gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
    return std::to_string(unix_ms);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(ms));
  return text.data();
}

}  // namespace xylem::cli
