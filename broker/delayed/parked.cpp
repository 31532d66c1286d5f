#include "broker/delayed/parked.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::uint8_t kParkedKind = 1;
constexpr std::uint8_t kIntentKind = 2;
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kHasKey = 1;
constexpr std::uint8_t kHasValue = 2;

constexpr std::size_t kTargetBytes = 16 + 4;
constexpr std::size_t kParkedKeyBytes = 1 + 8;
constexpr std::size_t kIntentKeyBytes = 1 + kTargetBytes;
constexpr std::size_t kParkedHeadBytes = 1 + kTargetBytes + 8 + 1 + 4;
constexpr std::size_t kIntentHeadBytes = 1 + 4 + 8 + 4 + 4 + 8 + 4;

// Reads what the caller knows to be there.
class Reader {
 public:
  explicit Reader(Bytes bytes) : left_(bytes) {}

  template <class T>
  T take() {
    const auto number = load_be<T>(left_);
    left_ = left_.subspan(sizeof(T));
    return number;
  }

  Target target() {
    const auto high = take<std::uint64_t>();
    const auto low = take<std::uint64_t>();
    return {TopicId::from_words(high, low), PartitionId(take<std::int32_t>())};
  }

  [[nodiscard]] Bytes left() const { return left_; }

 private:
  Bytes left_;
};

void append_target(const Target& target, Buffer& out) {
  append_be(target.topic.high(), out);
  append_be(target.topic.low(), out);
  append_be(target.partition.value(), out);
}

std::string text(const Buffer& buffer) { return std::string(text_of(buffer)); }

template <class Text>
std::size_t size_of(const std::optional<Text>& text) {
  return text ? text->size() : 0;
}

// splitmix64's finalizer: https://prng.di.unimi.it/splitmix64.c
std::uint64_t mixed(std::uint64_t seed, std::uint64_t word) {
  seed += word + 0x9e3779b97f4a7c15U;
  seed = (seed ^ (seed >> 30U)) * 0xbf58476d1ce4e5b9U;
  seed = (seed ^ (seed >> 27U)) * 0x94d049bb133111ebU;
  return seed ^ (seed >> 31U);
}

std::uint64_t mixed(std::uint64_t seed, const Target& target) {
  seed = mixed(mixed(seed, target.topic.high()), target.topic.low());
  return mixed(seed, static_cast<std::uint64_t>(target.partition.value()));
}

std::optional<DelayedEntry> parked_entry(const RecordView& record) {
  const Offset offset(load_be<std::int64_t>(record.key->subspan(1)));
  if (record.is_tombstone()) return Promoted{offset};
  if (record.value->size() < kParkedHeadBytes || offset != record.offset) return std::nullopt;
  Reader reader(*record.value);
  if (reader.take<std::uint8_t>() != kVersion) return std::nullopt;
  const auto target = reader.target();
  const auto due_ms = reader.take<std::int64_t>();
  const auto flags = reader.take<std::uint8_t>();
  const auto key_bytes = reader.take<std::uint32_t>();
  const bool is_sane = target.partition.value() >= 0 && due_ms >= 0 &&
                       (flags & ~(kHasKey | kHasValue)) == 0 && key_bytes <= reader.left().size();
  if (!is_sane) return std::nullopt;
  return Parked{target, due_ms, offset, record_bytes(record)};
}

std::optional<DelayedEntry> intent_entry(const RecordView& record) {
  Intent intent;
  intent.target = Reader(record.key->subspan(1)).target();
  if (record.is_tombstone()) return Forgotten{intent.target};
  if (record.value->size() < kIntentHeadBytes) return std::nullopt;
  Reader reader(*record.value);
  if (reader.take<std::uint8_t>() != kVersion) return std::nullopt;
  intent.generation = reader.take<std::uint32_t>();
  intent.producer = reader.take<std::int64_t>();
  intent.life = reader.take<std::int32_t>();
  intent.sequence = reader.take<std::int32_t>();
  intent.since = Offset(reader.take<std::int64_t>());
  const std::size_t count = reader.take<std::uint32_t>();
  const bool is_sane = intent.target.partition.value() >= 0 && intent.producer >= 0 &&
                       intent.life >= 0 && intent.sequence >= 0 && intent.since >= Offset(0) &&
                       count <= kPromotedMax && reader.left().size() == 8 * count;
  if (!is_sane) return std::nullopt;
  intent.parked.reserve(count);
  for (std::size_t i = 0; i < count; ++i) intent.parked.emplace_back(reader.take<std::int64_t>());
  return intent;
}

}  // namespace

std::int64_t promoter_id(const LogId& home, const Target& target, std::int32_t life) {
  auto seed = mixed(mixed(0, home.incarnation.generation),
                    static_cast<std::uint64_t>(home.partition.value()));
  seed = mixed(mixed(seed, target), static_cast<std::uint64_t>(life >> 15));
  return static_cast<std::int64_t>(seed >> 1U);
}

std::int64_t parker_id(std::int64_t producer, const Target& target) {
  return static_cast<std::int64_t>(mixed(static_cast<std::uint64_t>(producer), target) >> 1U);
}

std::string parked_key(Offset offset) {
  Buffer key;
  append_be(kParkedKind, key);
  append_be(offset.value(), key);
  return text(key);
}

std::string intent_key(const Target& target) {
  Buffer key;
  append_be(kIntentKind, key);
  append_target(target, key);
  return text(key);
}

std::string intent_value(const Intent& intent) {
  Buffer value;
  append_be(kVersion, value);
  append_be(intent.generation, value);
  append_be(intent.producer, value);
  append_be(intent.life, value);
  append_be(intent.sequence, value);
  append_be(intent.since.value(), value);
  append_be(static_cast<std::uint32_t>(intent.parked.size()), value);
  for (const auto offset : intent.parked) append_be(offset.value(), value);
  return text(value);
}

Record parked_record(const RecordView& record,
                     const Target& target,
                     std::int64_t due_ms,
                     Offset offset) {
  Buffer value;
  append_be(kVersion, value);
  append_target(target, value);
  append_be(due_ms, value);
  append_be(static_cast<std::uint8_t>((record.key ? kHasKey : 0) | (record.value ? kHasValue : 0)),
            value);
  append_be(static_cast<std::uint32_t>(record.key ? record.key->size() : 0), value);
  if (record.key) append(*record.key, value);
  if (record.value) append(*record.value, value);
  auto parked = record.to_record();
  parked.key = parked_key(offset);
  parked.value = text(value);
  return parked;
}

std::optional<Record> original_record(const RecordView& parked) {
  const auto entry = delayed_entry(parked);
  if (!entry || !std::holds_alternative<Parked>(*entry)) return std::nullopt;
  Reader reader(parked.value->subspan(1 + kTargetBytes + 8));
  const auto flags = reader.take<std::uint8_t>();
  const std::size_t key_bytes = reader.take<std::uint32_t>();
  const auto key = reader.left().first(key_bytes);
  const auto value = reader.left().subspan(key_bytes);
  auto record = parked.to_record();
  record.key.reset();
  record.value.reset();
  if ((flags & kHasKey) != 0) record.key = std::string(text_of(key));
  if ((flags & kHasValue) != 0) record.value = std::string(text_of(value));
  return record;
}

std::uint32_t record_bytes(const RecordView& record) {
  auto bytes = size_of(record.key) + size_of(record.value);
  for (const auto& header : record.headers) bytes += header.key.size() + size_of(header.value);
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
}

std::uint32_t record_bytes(const Record& record) {
  auto bytes = size_of(record.key) + size_of(record.value);
  for (const auto& [key, value] : record.headers) bytes += key.size() + size_of(value);
  return static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
}

std::optional<DelayedEntry> delayed_entry(const RecordView& record) {
  if (!record.key || record.key->empty()) return std::nullopt;
  const auto kind = std::to_integer<std::uint8_t>(record.key->front());
  if (kind == kParkedKind && record.key->size() == kParkedKeyBytes) return parked_entry(record);
  if (kind == kIntentKind && record.key->size() == kIntentKeyBytes) return intent_entry(record);
  return std::nullopt;
}

}  // namespace xylem::broker
