#include "common/batch/record_json.h"

#include "common/text_encoding.h"

#include <cstddef>

namespace xylem {
namespace {

constexpr std::size_t kFixedBytes = 160;  // names and numbers, about

void append_field(std::string_view name, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
}

void append_optional(std::string_view name,
                     const std::optional<Bytes>& bytes,
                     std::string_view encoding_name,
                     std::string& out) {
  append_field(name, out);
  if (!bytes) {
    out += "null";
    return;
  }
  if (append_json_bytes(*bytes, out)) {
    append_field(encoding_name, out);
    out += "\"base64\"";
  }
}

bool is_repeated_later(const std::vector<HeaderView>& headers, std::size_t index) {
  for (std::size_t later = index + 1; later < headers.size(); ++later) {
    if (headers[later].key == headers[index].key) return true;
  }
  return false;
}

}  // namespace

bool append_json_bytes(Bytes bytes, std::string& out) {
  const std::string_view text = text_of(bytes);
  if (is_utf8(text)) {
    append_json_string(text, out);
    return false;
  }
  out += '"';
  out += base64_encode(bytes);
  out += '"';
  return true;
}

std::string headers_json(const std::vector<HeaderView>& headers) {
  std::string out = "{";
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (is_repeated_later(headers, i)) continue;
    if (out.size() > 1) out += ',';
    append_json_bytes(bytes_of(headers[i].key), out);
    out += ':';
    if (!headers[i].value) {
      out += "null";
    } else if (is_utf8(text_of(*headers[i].value))) {
      append_json_string(text_of(*headers[i].value), out);
    } else {
      out += R"({"base64":")" + base64_encode(*headers[i].value) + "\"}";
    }
  }
  return out += '}';
}

std::string record_json(const RecordFields& fields) {
  std::string out;
  out.reserve(kFixedBytes + fields.topic.size() + fields.headers.size() +
              (fields.key ? fields.key->size() : 0) + (fields.value ? fields.value->size() : 0));
  out += "{\"topic\":";
  append_json_bytes(bytes_of(fields.topic), out);
  append_field("partition", out);
  out += std::to_string(fields.partition.value());
  append_field("offset", out);
  out += std::to_string(fields.offset.value());
  append_field("epoch", out);
  out += std::to_string(fields.epoch.value());
  append_field("timestamp", out);
  out += std::to_string(fields.timestamp_ms);
  append_optional("key", fields.key, "keyEncoding", out);
  append_optional("value", fields.value, "encoding", out);
  append_field("headers", out);
  out += fields.headers;
  return out += '}';
}

std::string record_json(std::string_view topic,
                        PartitionId partition,
                        const BatchHeader& header,
                        const RecordView& record) {
  const std::string headers = headers_json(record.headers);
  return record_json(RecordFields{.topic = topic,
                                  .partition = partition,
                                  .offset = record.offset,
                                  .epoch = header.epoch,
                                  .timestamp_ms = record.timestamp_ms,
                                  .key = record.key,
                                  .value = record.value,
                                  .headers = headers});
}

}  // namespace xylem
