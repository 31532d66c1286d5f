#include "broker/groups/offset_record.h"

#include "common/text_encoding.h"

#include <charconv>
#include <cstdint>
#include <ranges>
#include <system_error>
#include <vector>

namespace xylem::broker {
namespace {

constexpr char kSeparator = '\n';
constexpr std::size_t kPartsMax = 4;  // of a key
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

Status check_instance(std::string_view instance) {
  const bool is_one_line = instance.find(kSeparator) == std::string_view::npos;
  if (instance.size() <= kInstanceNameMax && is_one_line && is_utf8(instance)) return {};
  return fail(Errc::kInvalidRequest,
              "a member's id and instance have at most 200 bytes of UTF-8 on one line");
}

Status check_forward(const CommittedOffset& known, const CommittedOffset& next) {
  if (known.incarnation != next.incarnation || next.next >= known.next) return {};
  return fail(Errc::kInvalidRequest, "offset " + std::to_string(next.next.value()) +
                                         " is below the committed " +
                                         std::to_string(known.next.value()));
}

std::string encode_key(const GroupPartition& where) {
  std::string key =
      where.group + kSeparator + where.topic + kSeparator + std::to_string(where.partition.value());
  if (!where.instance.empty()) key += kSeparator + where.instance;
  return key;
}

std::optional<GroupPartition> decode_key(std::string_view key) {
  std::vector<std::string_view> parts;
  for (const auto part : std::views::split(key, kSeparator)) {
    if (parts.size() == kPartsMax) return std::nullopt;
    parts.emplace_back(part);
  }
  if (parts.size() < kPartsMax - 1 || !is_storable(parts[0]) || parts[1].empty())
    return std::nullopt;
  const auto partition = partition_of(parts[2]);
  if (!partition) return std::nullopt;
  GroupPartition where{std::string(parts[0]), std::string(parts[1]), *partition, {}};
  if (parts.size() < kPartsMax) return where;
  if (parts[3].empty() || parts[3].size() > kInstanceNameMax) return std::nullopt;
  where.instance = parts[3];
  return where;
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
