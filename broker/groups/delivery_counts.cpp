#include "broker/groups/delivery_counts.h"

#include "network/protocol/messages.h"

#include <string_view>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "delivery_count";
constexpr std::size_t kFixedBytes = 8 + 16 + 4 + 4 + 1;

}  // namespace

Buffer encode_value(const DeliveryCount& count) {
  Buffer value;
  append_be(count.offset.value(), value);
  append_be(count.incarnation.topic.high(), value);
  append_be(count.incarnation.topic.low(), value);
  append_be(count.incarnation.generation, value);
  append_be(count.failures, value);
  value.push_back(count.is_dead ? std::byte{1} : std::byte{0});
  append(bytes_of(count.reason), value);
  return value;
}

std::optional<DeliveryCount> decode_count(Bytes value) {
  if (value.size() < kFixedBytes || value.size() > kFixedBytes + network::kFailureReasonBytesMax)
    return std::nullopt;
  const auto dead = std::to_integer<int>(value[32]);
  const DeliveryCount count{
      .offset = Offset(load_be<std::int64_t>(value)),
      .incarnation = {TopicId::from_words(load_be<std::uint64_t>(value.subspan(8)),
                                          load_be<std::uint64_t>(value.subspan(16))),
                      load_be<std::uint32_t>(value.subspan(24))},
      .failures = load_be<std::uint32_t>(value.subspan(28)),
      .is_dead = dead == 1,
      .reason = std::string(text_of(value.subspan(kFixedBytes)))};
  if (count.offset < Offset(0) || dead > 1) return std::nullopt;
  return count;
}

void DeliveryCounts::load(std::function<void(Status)> done) {
  store_.scan(std::string(kKind), [this, done = std::move(done)](auto rows) {
    if (!rows) return done(pass(rows, "delivery counts"));
    for (const auto& row : *rows) {
      const auto where = decode_key(row.key);
      const auto count = decode_count(row.value);
      if (!where || !count)
        return done(fail(Errc::kCorrupt, "a delivery count in state.db is malformed"));
      counts_.insert_or_assign(*where, *count);
    }
    done({});
  });
}

const DeliveryCount* DeliveryCounts::find(const GroupPartition& where) const {
  const auto found = counts_.find(where);
  return found == counts_.end() ? nullptr : &found->second;
}

void DeliveryCounts::put(const GroupPartition& where,
                         DeliveryCount count,
                         std::function<void(Status)> done) {
  if (counts_.size() >= rows_max_ && !counts_.contains(where))
    return done(fail(Errc::kQuotaExceeded, "deliveries of " + std::to_string(rows_max_) +
                                               " group partitions are counted, and no more"));
  auto value = encode_value(count);
  counts_.insert_or_assign(where, std::move(count));
  store_.put(std::string(kKind), encode_key(where), std::move(value), std::move(done));
}

void DeliveryCounts::remove(const GroupPartition& where) {
  if (counts_.erase(where) == 0) return;
  // One that stays is of a record that the group has passed: it does no harm.
  store_.remove(std::string(kKind), encode_key(where), [](const Status&) {});
}

void DeliveryCounts::remove_if(
    const std::function<bool(const GroupPartition&, const DeliveryCount&)>& is_gone) {
  std::vector<GroupPartition> gone;
  for (const auto& [where, count] : counts_)
    if (is_gone(where, count)) gone.push_back(where);
  for (const auto& where : gone) remove(where);
}

}  // namespace xylem::broker
