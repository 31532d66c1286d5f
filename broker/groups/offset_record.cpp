#include "broker/groups/offset_record.h"

#include "common/text_encoding.h"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace xylem::broker {
namespace {

constexpr char kSeparator = '\n';
constexpr std::size_t kValueBytes = 8 + 16 + 4;

// Only as std::to_string writes it: two keys are never the same partition.
std::optional<PartitionId> partition_of(std::string_view digits) {
  std::int32_t partition = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), partition);
  if (error != std::errc() || partition < 0 || digits != std::to_string(partition))
    return std::nullopt;
  return PartitionId(partition);
}

// What was stored before names had to be UTF-8 can still be read.
bool is_storable(std::string_view group) {
  return !group.empty() && group.size() <= kGroupNameMax &&
         group.find(kSeparator) == std::string_view::npos;
}

}  // namespace

Status check_group(std::string_view group) {
  if (!is_storable(group) || !is_utf8(group))
    return fail(Errc::kInvalidRequest, "a group's name has 1 to 200 bytes of UTF-8 on one line");
  return {};
}

std::string encode_key(const GroupPartition& where) {
  return where.group + kSeparator + where.topic + kSeparator +
         std::to_string(where.partition.value());
}

std::optional<GroupPartition> decode_key(std::string_view key) {
  const auto first = key.find(kSeparator);
  const auto last = key.rfind(kSeparator);
  if (first == std::string_view::npos || first == last) return std::nullopt;
  const auto group = key.substr(0, first);
  const auto topic = key.substr(first + 1, last - first - 1);
  const auto partition = partition_of(key.substr(last + 1));
  const bool is_well_formed = is_storable(group) && !topic.empty() && partition &&
                              topic.find(kSeparator) == std::string_view::npos;
  if (!is_well_formed) return std::nullopt;
  return GroupPartition{std::string(group), std::string(topic), *partition};
}

Buffer encode_value(const CommittedOffset& offset) {
  Buffer value;
  append_be(offset.next.value(), value);
  append_be(offset.incarnation.topic.high(), value);
  append_be(offset.incarnation.topic.low(), value);
  append_be(offset.incarnation.generation, value);
  return value;
}

std::optional<CommittedOffset> decode_value(Bytes value) {
  if (value.size() != kValueBytes) return std::nullopt;
  const Offset next(load_be<std::int64_t>(value));
  if (next < Offset(0)) return std::nullopt;
  return CommittedOffset{next,
                         {TopicId::from_words(load_be<std::uint64_t>(value.subspan(8)),
                                              load_be<std::uint64_t>(value.subspan(16))),
                          load_be<std::uint32_t>(value.subspan(24))}};
}

}  // namespace xylem::broker
