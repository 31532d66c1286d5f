#include "broker/groups/delivery_counts.h"

#include "network/protocol/messages.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "delivery_count";
constexpr std::size_t kFixedBytes = 8 + 16 + 4 + 4 + 1;
constexpr std::uint8_t kDead = 1;
constexpr std::uint8_t kOthersDead = 2;

// What is behind the flags: the others that are dead, taken from the front of `rest`.
bool take_others(Bytes& rest, std::vector<Offset>& others) {
  if (rest.empty()) return false;
  const std::size_t count = std::to_integer<std::uint8_t>(rest.front());
  rest = rest.subspan(1);
  if (count == 0 || count > kOthersDeadMax || rest.size() < 8 * count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    others.emplace_back(load_be<std::int64_t>(rest.subspan(8 * i)));
    if (others.back() < Offset(0)) return false;
  }
  rest = rest.subspan(8 * count);
  return std::ranges::is_sorted(others);
}

}  // namespace

Buffer encode_value(const DeliveryCount& count) {
  Buffer value;
  append_be(count.offset.value(), value);
  append_be(count.incarnation.topic.high(), value);
  append_be(count.incarnation.topic.low(), value);
  append_be(count.incarnation.generation, value);
  append_be(count.failures, value);
  const auto flags = (count.is_dead ? kDead : 0) | (count.others_dead.empty() ? 0 : kOthersDead);
  append_be(static_cast<std::uint8_t>(flags), value);
  if (!count.others_dead.empty()) {
    append_be(static_cast<std::uint8_t>(count.others_dead.size()), value);
    for (const auto offset : count.others_dead) append_be(offset.value(), value);
  }
  append(bytes_of(count.reason), value);
  return value;
}

std::optional<DeliveryCount> decode_count(Bytes value) {
  if (value.size() < kFixedBytes) return std::nullopt;
  const auto flags = std::to_integer<std::uint8_t>(value[32]);
  if (flags > (kDead | kOthersDead)) return std::nullopt;
  DeliveryCount count{
      .offset = Offset(load_be<std::int64_t>(value)),
      .incarnation = {TopicId::from_words(load_be<std::uint64_t>(value.subspan(8)),
                                          load_be<std::uint64_t>(value.subspan(16))),
                      load_be<std::uint32_t>(value.subspan(24))},
      .failures = load_be<std::uint32_t>(value.subspan(28)),
      .is_dead = (flags & kDead) != 0,
      .others_dead = {},
      .reason = {}};
  auto rest = value.subspan(kFixedBytes);
  if ((flags & kOthersDead) != 0 && !take_others(rest, count.others_dead)) return std::nullopt;
  if (count.offset < Offset(0) || rest.size() > network::kFailureReasonBytesMax)
    return std::nullopt;
  count.reason = std::string(text_of(rest));
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
      keep(*where, *count);
    }
    done({});
  });
}

const DeliveryCount* DeliveryCounts::find(const GroupPartition& where) const {
  const auto found = counts_.find(where);
  return found == counts_.end() ? nullptr : &found->second.count;
}

void DeliveryCounts::put(const GroupPartition& where,
                         DeliveryCount count,
                         std::function<void(Status)> done) {
  if (counts_.size() >= rows_max_ && !counts_.contains(where))
    return done(fail(Errc::kQuotaExceeded, "deliveries of " + std::to_string(rows_max_) +
                                               " group partitions are counted, and no more"));
  auto value = encode_value(count);
  keep(where, std::move(count));
  store_.put(std::string(kKind), encode_key(where), std::move(value), std::move(done));
}

void DeliveryCounts::keep(const GroupPartition& where, DeliveryCount count) {
  auto& row = counts_[where];
  forget_age(row);
  row = {std::move(count), ++puts_};
  if (!row.count.is_dead && row.count.others_dead.empty()) by_age_.emplace(row.put_at, where);
}

std::optional<GroupPartition> DeliveryCounts::make_room(
    const GroupPartition& where, const std::function<bool(const GroupPartition&)>& is_kept) {
  if (counts_.size() < rows_max_ || counts_.contains(where)) return std::nullopt;
  for (const auto& [put_at, oldest] : by_age_) {
    if (is_kept(oldest)) continue;
    auto removed = oldest;
    remove(removed);
    return removed;
  }
  return std::nullopt;
}

void DeliveryCounts::remove(const GroupPartition& where) {
  const auto row = counts_.extract(where);
  if (!row) return;
  forget_age(row.mapped());
  // One that stays is of a record that the group has passed: it does no harm.
  store_.remove(std::string(kKind), encode_key(where), [](const Status&) {});
}

void DeliveryCounts::remove_if(
    const std::function<bool(const GroupPartition&, const DeliveryCount&)>& is_gone) {
  std::vector<GroupPartition> gone;
  for (const auto& [where, row] : counts_)
    if (is_gone(where, row.count)) gone.push_back(where);
  for (const auto& where : gone) remove(where);
}

}  // namespace xylem::broker
