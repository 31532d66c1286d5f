// The answers that hold records: from the view and from the logs.
#include "common/batch/record_json.h"
#include "common/text_encoding.h"
#include "consumer-app/answers.h"
#include "consumer-app/record_walk.h"

#include <charconv>
#include <system_error>
#include <utility>

namespace xylem::consumer_app {
namespace {

// Records as a JSON array that knows when it is full.
class RecordPage {
 public:
  RecordPage(std::string_view topic, std::size_t limit) : topic_(topic), limit_(limit) {}

  void add(PartitionId partition, const BatchHeader& header, const RecordView& record) {
    if (count_++ > 0) json_ += ',';
    json_ += record_json(topic_, partition, header, record);
  }

  [[nodiscard]] bool is_full() const { return count_ >= limit_ || json_.size() >= kPageBytesMax; }

  [[nodiscard]] std::string array() && { return "[" + std::move(json_) + "]"; }

 private:
  std::string_view topic_;
  std::size_t limit_;
  std::size_t count_ = 0;
  std::string json_;
};

std::string topic_head(std::string_view topic) {
  std::string out = "{\"topic\":";
  append_json_bytes(bytes_of(topic), out);
  return out;
}

void append_key(std::string_view key, std::string& out) {
  std::string text;
  if (append_json_bytes(bytes_of(key), text)) {
    out += "{\"base64\":" + text + "}";
  } else {
    out += text;
  }
}

void append_next(std::string_view key, std::string& out) {
  if (key.find('\0') == std::string_view::npos) return append_key(key, out);
  out += R"({"base64":")" + base64_encode(bytes_of(key)) + "\"}";
}

// A decimal number from 0 up; nullopt: not that.
std::optional<std::int64_t> natural_of(std::string_view text) {
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

std::string number(Offset offset) { return std::to_string(offset.value()); }

}  // namespace

std::string entry_json(std::string_view topic, std::string_view key, const Entry& entry) {
  return record_json({.topic = topic,
                      .partition = entry.partition,
                      .offset = entry.offset,
                      .epoch = entry.epoch,
                      .timestamp_ms = entry.timestamp_ms,
                      .key = bytes_of(key),
                      .value = bytes_of(entry.value),
                      .headers = entry.headers});
}

std::string keys_json(std::string_view topic,
                      const std::vector<std::string>& keys,
                      std::size_t limit) {
  std::string out = topic_head(topic) + ",\"keys\":[";
  std::size_t shown = 0;
  while (shown < keys.size() && shown < limit && out.size() < kPageBytesMax) {
    if (shown > 0) out += ',';
    append_key(keys[shown++], out);
  }
  out += "],\"next\":";
  if (shown < keys.size() && shown > 0) {
    append_next(keys[shown - 1], out);
  } else {
    out += "null";
  }
  return out += '}';
}

Result<std::string> record_at_json(std::string_view topic, const TopicLog& log, Offset offset) {
  std::string found;
  auto walked = walk_log(*log.log, {offset, offset + 1, kScanBytesMax},
                         [&](const auto& header, const auto& record) {
                           found = record_json(topic, log.partition, header, record);
                           return false;
                         });
  if (!walked) return pass(walked);
  if (found.empty())
    return fail(Errc::kNotFound, "no record is stored at offset " + number(offset));
  return found;
}

Result<std::string> range_json(std::string_view topic,
                               const TopicLog& log,
                               const OffsetRange& range) {
  RecordPage page(topic, range.limit);
  const Offset start = log.log->start_offset();
  const Offset end = log.log->written_end();
  const Offset to = std::min(range.to, end);
  auto next = walk_log(*log.log, {range.from, to, kScanBytesMax},
                       [&](const auto& header, const auto& record) {
                         page.add(log.partition, header, record);
                         return !page.is_full();
                       });
  if (!next) return pass(next);
  return topic_head(topic) + ",\"partition\":" + std::to_string(log.partition.value()) +
         ",\"records\":" + std::move(page).array() + ",\"start\":" + number(start) +
         ",\"end\":" + number(end) + ",\"next\":" + (*next < to ? number(*next) : "null") + "}";
}

Result<HistoryPlace> HistoryPlace::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto index = natural_of(text.substr(0, colon));
    const auto from = natural_of(text.substr(colon + 1));
    if (index && from) return HistoryPlace{static_cast<std::size_t>(*index), Offset(*from)};
  }
  return fail(Errc::kInvalidRequest, "after: is not the `next` of another answer");
}

std::string HistoryPlace::text() const { return std::to_string(index) + ":" + number(from); }

Result<std::string> history_json(std::string_view topic,
                                 std::string_view key,
                                 const std::vector<TopicLog>& logs,
                                 const HistoryPlace& place,
                                 std::size_t limit) {
  RecordPage page(topic, limit);
  HistoryPlace at = place;
  bool is_cut = false;
  for (; at.index < logs.size(); at = {at.index + 1, Offset()}) {
    const auto& [partition, log] = logs[at.index];
    const Offset end = log->written_end();
    auto next =
        walk_log(*log, {at.from, end, kScanBytesMax}, [&](const auto& header, const auto& record) {
          if (record.key && text_of(*record.key) == key) page.add(partition, header, record);
          return !page.is_full();
        });
    if (!next) return pass(next);
    at.from = *next;
    is_cut = *next < end;
    if (is_cut) break;
  }
  std::string out = topic_head(topic) + ",\"key\":";
  append_key(key, out);
  out += ",\"records\":" + std::move(page).array() + ",\"next\":";
  return out += is_cut ? "\"" + at.text() + "\"}" : "null}";
}

}  // namespace xylem::consumer_app
