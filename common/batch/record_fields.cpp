#include "common/batch/record_fields.h"

#include "common/batch/varint.h"
#include "common/check.h"

namespace xylem {
namespace {

constexpr std::size_t kRecordHeaderBytesMin = 2;  // two lengths

// A length of -1 (null, only where `nullable`) or more, and as many bytes. False: malformed.
bool take_field(Bytes& left, bool nullable, std::optional<Bytes>& field) noexcept {
  const auto length = take_varint(left);
  if (!length || *length < (nullable ? -1 : 0)) return false;
  if (*length < 0) {
    field.reset();
    return true;
  }
  const auto bytes = static_cast<std::size_t>(*length);
  if (bytes > left.size()) return false;
  field = left.first(bytes);
  left = left.subspan(bytes);
  return true;
}

bool take_headers(Bytes& left, RecordFields& fields) noexcept {
  const auto count = take_varint(left);
  if (!count || *count < 0) return false;
  fields.header_count = static_cast<std::size_t>(*count);
  if (fields.header_count > kRecordHeadersMax) return false;
  if (fields.header_count * kRecordHeaderBytesMin > left.size()) return false;
  const auto all = left;
  std::optional<Bytes> skipped;
  for (std::size_t i = 0; i < fields.header_count; ++i) {
    if (!take_field(left, false, skipped) || !take_field(left, true, skipped)) return false;
  }
  fields.headers = all.first(all.size() - left.size());
  return true;
}

}  // namespace

Result<RecordFields> take_record(Bytes& left) {
  const auto length = take_varint(left);
  if (!length || *length < 0 || static_cast<std::size_t>(*length) > left.size())
    return fail(Errc::kCorrupt, "record length");
  auto body = left.first(static_cast<std::size_t>(*length));
  left = left.subspan(body.size());
  if (body.empty()) return fail(Errc::kCorrupt, "record without attributes");
  body = body.subspan(1);  // attributes: none are defined
  RecordFields fields;
  const auto timestamp_delta = take_varlong(body);
  if (!timestamp_delta) return fail(Errc::kCorrupt, "record timestamp");
  fields.timestamp_delta_ms = *timestamp_delta;
  const auto offset_delta = take_varint(body);
  if (!offset_delta) return fail(Errc::kCorrupt, "record offset");
  fields.offset_delta = *offset_delta;
  if (!take_field(body, true, fields.key)) return fail(Errc::kCorrupt, "record key");
  if (!take_field(body, true, fields.value)) return fail(Errc::kCorrupt, "record value");
  if (!take_headers(body, fields)) return fail(Errc::kCorrupt, "record headers");
  if (!body.empty()) return fail(Errc::kCorrupt, "record longer than its fields");
  return fields;
}

HeaderView take_header(Bytes& headers) {
  std::optional<Bytes> key;
  HeaderView header;
  XYLEM_CHECK(take_field(headers, false, key) && take_field(headers, true, header.value));
  header.key = text_of(key.value_or(Bytes{}));
  return header;
}

}  // namespace xylem
