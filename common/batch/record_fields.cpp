#include "common/batch/record_fields.h"

#include "common/batch/varint.h"
#include "common/check.h"

namespace xylem {
namespace {

constexpr std::size_t kRecordHeaderBytesMin = 2;  // two lengths

// Goes through bytes by pointer: a produced batch is walked record by record before it is taken,
// and that is most of what a small record costs.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  [[nodiscard]] Bytes rest() const noexcept { return {at_, end_}; }

  void skip(std::size_t bytes) noexcept { at_ += bytes; }

  bool take(std::int32_t& number) noexcept {
    if (take_short(number)) return true;
    auto bytes = rest();
    const auto taken = take_varint(bytes);
    if (!taken) return false;
    at_ = bytes.data();
    number = *taken;
    return true;
  }

  bool take(std::int64_t& number) noexcept {
    if (std::int32_t small = 0; take_short(small)) {
      number = small;
      return true;
    }
    auto bytes = rest();
    const auto taken = take_varlong(bytes);
    if (!taken) return false;
    at_ = bytes.data();
    number = *taken;
    return true;
  }

  // A length of -1 (null, only where `nullable`) or more, and as many bytes. False: malformed.
  bool take_field(bool nullable, std::optional<Bytes>& field) noexcept {
    std::int32_t length = 0;
    if (!take(length) || length < (nullable ? -1 : 0)) return false;
    if (length < 0) {
      field.reset();
      return true;
    }
    const auto bytes = static_cast<std::size_t>(length);
    if (bytes > left()) return false;
    field = Bytes(at_, bytes);
    at_ += bytes;
    return true;
  }

 private:
  // Nearly all numbers in records have one byte or two. Branches, that are foreseen: a number's
  // place then need not wait for the one before it.
  bool take_short(std::int32_t& number) noexcept {
    if (left() < 2) return false;
    auto raw = std::to_integer<std::uint32_t>(at_[0]);
    if (raw < 0x80U) {
      at_ += 1;
    } else {
      const auto second = std::to_integer<std::uint32_t>(at_[1]);
      if (second >= 0x80U) return false;
      raw = (raw & 0x7fU) | second << 7U;
      at_ += 2;
    }
    number = static_cast<std::int32_t>((raw >> 1U) ^ (0 - (raw & 1U)));
    return true;
  }

  const std::byte* at_;
  const std::byte* end_;
};

bool take_headers(Cursor& body, RecordFields& fields) noexcept {
  std::int32_t count = 0;
  if (!body.take(count) || count < 0) return false;
  fields.header_count = static_cast<std::size_t>(count);
  if (fields.header_count > kRecordHeadersMax) return false;
  if (fields.header_count * kRecordHeaderBytesMin > body.left()) return false;
  const auto all = body.rest();
  std::optional<Bytes> skipped;
  for (std::size_t i = 0; i < fields.header_count; ++i) {
    if (!body.take_field(false, skipped) || !body.take_field(true, skipped)) return false;
  }
  fields.headers = all.first(all.size() - body.left());
  return true;
}

}  // namespace

const char* take_record(Bytes& left, RecordFields& fields) noexcept {
  Cursor all(left);
  std::int32_t length = 0;
  if (!all.take(length) || length < 0 || static_cast<std::size_t>(length) > all.left())
    return "record length";
  Cursor body(all.rest().first(static_cast<std::size_t>(length)));
  if (length == 0) return "record without attributes";
  body.skip(1);  // attributes: none are defined
  if (!body.take(fields.timestamp_delta_ms)) return "record timestamp";
  if (!body.take(fields.offset_delta)) return "record offset";
  if (!body.take_field(true, fields.key)) return "record key";
  if (!body.take_field(true, fields.value)) return "record value";
  if (!take_headers(body, fields)) return "record headers";
  if (body.left() > 0) return "record longer than its fields";
  all.skip(static_cast<std::size_t>(length));
  left = all.rest();
  return nullptr;
}

Result<RecordFields> take_record(Bytes& left) {
  RecordFields fields;
  if (const auto* wrong = take_record(left, fields)) return fail(Errc::kCorrupt, wrong);
  return fields;
}

HeaderView take_header(Bytes& headers) {
  Cursor all(headers);
  std::optional<Bytes> key;
  HeaderView header;
  XYLEM_CHECK(all.take_field(false, key) && all.take_field(true, header.value));
  header.key = text_of(key.value_or(Bytes{}));
  headers = all.rest();
  return header;
}

}  // namespace xylem
