// ASSIGNMENT: a member's beat, and what the coordinator answers.
#include "network/protocol/codec.h"

namespace xylem::network {
namespace {

using List = std::vector<TopicPartitions>;
using Lists = flatbuffers::Vector<flatbuffers::Offset<fbs::TopicPartitions>>;

flatbuffers::Offset<Lists> pack_lists(Builder& builder, const List& lists) {
  std::vector<flatbuffers::Offset<fbs::TopicPartitions>> packed;
  packed.reserve(lists.size());
  for (const auto& list : lists) {
    std::vector<std::int32_t> numbers;
    numbers.reserve(list.partitions.size());
    for (const auto partition : list.partitions) numbers.push_back(partition.value());
    packed.push_back(fbs::CreateTopicPartitions(builder, builder.CreateString(list.topic),
                                                builder.CreateVector(numbers)));
  }
  return builder.CreateVector(packed);
}

List unpack_lists(Unpacker& unpacker, const Lists* lists) {
  List unpacked;
  if (lists == nullptr) return unpacked;
  unpacked.reserve(lists->size());
  for (const auto* list : *lists) {
    auto& one = unpacked.emplace_back();
    one.topic = unpacker.text(list->topic());
    if (list->partitions() == nullptr || list->partitions()->size() == 0) continue;
    if (!is_aligned_for<std::int32_t>(list->partitions()->Data())) {
      unpacker.refuse("misaligned vector");
      break;
    }
    if (!unpacker.take_numbers(list->partitions()->size())) break;
    one.partitions.reserve(list->partitions()->size());
    for (const auto partition : *list->partitions())
      one.partitions.push_back(unpacker.partition(partition));
  }
  return unpacked;
}

}  // namespace

template <>
struct Codec<GroupBeat> {
  using Table = fbs::GroupBeat;

  static auto pack(Builder& builder, const GroupBeat& beat) {
    return fbs::CreateGroupBeat(
        builder, builder.CreateString(beat.group), builder.CreateString(beat.member),
        builder.CreateString(beat.instance), builder.CreateVectorOfStrings(beat.topics),
        builder.CreateString(beat.assignor), pack_lists(builder, beat.owned), beat.generation,
        beat.leaves);
  }

  static GroupBeat unpack(Unpacker& unpacker, const Table& table) {
    return {.group = unpacker.text(table.group()),
            .member = unpacker.text(table.member()),
            .instance = unpacker.text(table.instance()),
            .topics = unpacker.texts(table.topics()),
            .assignor = unpacker.text(table.assignor()),
            .owned = unpack_lists(unpacker, table.owned()),
            .generation = table.generation(),
            .leaves = table.leaves()};
  }
};

template <>
struct Codec<GroupAssignment> {
  using Table = fbs::GroupAssignment;

  static auto pack(Builder& builder, const GroupAssignment& assignment) {
    return fbs::CreateGroupAssignment(
        builder, builder.CreateString(assignment.group), assignment.generation,
        pack_lists(builder, assignment.assigned), assignment.beat_ms, assignment.session_ms,
        assignment.broadcast.empty() ? 0 : builder.CreateVectorOfStrings(assignment.broadcast));
  }

  static GroupAssignment unpack(Unpacker& unpacker, const Table& table) {
    return {.group = unpacker.text(table.group()),
            .generation = table.generation(),
            .assigned = unpack_lists(unpacker, table.assigned()),
            .beat_ms = table.beat_ms(),
            .session_ms = table.session_ms(),
            .broadcast = unpacker.texts(table.broadcast())};
  }
};

template Buffer encode(const GroupBeat&);
template Result<GroupBeat> decode(Bytes);
template Buffer encode(const GroupAssignment&);
template Result<GroupAssignment> decode(Bytes);

}  // namespace xylem::network
