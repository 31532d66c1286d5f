#include "common/check.h"
#include "pipe/messages.h"
#include "pipe/wire.h"

#include <limits>
#include <utility>

namespace xylem::pipe {
namespace {

constexpr const char* kIdentifier = "XPA1";
constexpr std::size_t kPrefixBytes = sizeof(flatbuffers::uoffset_t);
constexpr std::size_t kAddressMax = 512;  // characters

std::uint32_t bytes_in(const FetchedPartition& partition) {
  std::size_t bytes = 0;
  for (const auto& slice : partition.batches) bytes += slice.bytes.size();
  XYLEM_CHECK(bytes <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(bytes);
}

flatbuffers::Offset<wire::Fetched> add(const FetchedPartition& partition,
                                       flatbuffers::FlatBufferBuilder& builder) {
  flatbuffers::Offset<flatbuffers::String> leader;
  flatbuffers::Offset<flatbuffers::String> address;
  if (!partition.leader.empty()) leader = builder.CreateString(partition.leader);
  if (!partition.leader_address.empty()) address = builder.CreateString(partition.leader_address);
  const auto log = wire::to_wire(partition.log);
  wire::FetchedBuilder fetched(builder);
  fetched.add_log(&log);
  fetched.add_state(static_cast<wire::State>(partition.state));
  fetched.add_cursor(partition.cursor.value());
  fetched.add_high_watermark(partition.high_watermark.value());
  fetched.add_log_start(partition.log_start.value());
  fetched.add_offset(partition.offset.value());
  fetched.add_epoch(partition.epoch.value());
  if (!leader.IsNull()) fetched.add_leader(leader);
  if (!address.IsNull()) fetched.add_leader_address(address);
  fetched.add_age_ms(partition.age_ms);
  fetched.add_bytes(bytes_in(partition));
  fetched.add_compacted_below(partition.compacted_below.value());
  fetched.add_tombstone_horizon(partition.tombstone_horizon.value());
  return fetched.Finish();
}

Buffer encode_head(const FetchAnswer& answer) {
  flatbuffers::FlatBufferBuilder builder(256 + answer.partitions.size() * 128);
  std::vector<flatbuffers::Offset<wire::Fetched>> fetched;
  fetched.reserve(answer.partitions.size());
  for (const auto& partition : answer.partitions) fetched.push_back(add(partition, builder));
  const auto parent = builder.CreateString(answer.parent);
  const auto listed = builder.CreateVector(fetched);
  const auto cluster = wire::to_wire(answer.cluster);
  wire::AnswerBuilder root(builder);
  root.add_parent(parent);
  root.add_cluster(&cluster);
  root.add_session(answer.session);
  root.add_pace_ms(answer.pace_ms);
  root.add_topology_version(answer.topology_version);
  if (answer.age_ms) root.add_age_ms(*answer.age_ms);
  root.add_fetched(listed);
  builder.FinishSizePrefixed(root.Finish(), kIdentifier);
  return wire::take(builder);
}

Status read_offsets(const wire::Fetched& fetched, FetchedPartition& partition) {
  struct Field {
    std::int64_t value;
    Offset& to;
    const char* name;
  };

  for (const auto& [value, to, name] : {
           Field{fetched.cursor(), partition.cursor, "cursor"},
           Field{fetched.high_watermark(), partition.high_watermark, "high watermark"},
           Field{fetched.log_start(), partition.log_start, "log start"},
           Field{fetched.offset(), partition.offset, "offset"},
           Field{fetched.compacted_below(), partition.compacted_below, "compacted_below"},
           Field{fetched.tombstone_horizon(), partition.tombstone_horizon, "tombstone horizon"},
       }) {
    const auto offset = wire::offset_of(value, name);
    if (!offset) return std::unexpected(offset.error());
    to = *offset;
  }
  return {};
}

Result<FetchedPartition> partition_of(const wire::Fetched& fetched) {
  if (fetched.log() == nullptr) return fail(Errc::kInvalidRequest, "a partition without its log");
  auto log = wire::of_wire(*fetched.log());
  if (!log) return pass(log);
  if (fetched.state() > wire::State::MAX) return fail(Errc::kInvalidRequest, "unknown state");
  if (fetched.epoch() < kNoEpoch.value()) return fail(Errc::kInvalidRequest, "epoch below -1");
  FetchedPartition partition;
  partition.log = *log;
  partition.state = static_cast<FetchState>(fetched.state());
  partition.epoch = Epoch(fetched.epoch());
  partition.leader = wire::text_of(fetched.leader());
  partition.leader_address = wire::text_of(fetched.leader_address());
  partition.age_ms = fetched.age_ms();
  auto offsets = read_offsets(fetched, partition);
  if (!offsets) return pass(offsets);
  if (!partition.leader.empty()) {
    auto leader = check_node_id(partition.leader);
    if (!leader) return pass(leader);
  }
  if (partition.leader_address.size() > kAddressMax)
    return fail(Errc::kInvalidRequest, "leader's address too long");
  if (fetched.bytes() > 0 && partition.state != FetchState::kOk)
    return fail(Errc::kInvalidRequest, "batches with a state other than OK");
  return partition;
}

// Gives each partition its share of the batches in `body`; they must use it up.
Status read_partitions(const wire::Answer& root, const Slice& body, FetchAnswer& answer) {
  std::size_t at = 0;
  if (const auto* listed = root.fetched(); listed != nullptr) {
    answer.partitions.reserve(listed->size());
    for (const auto* fetched : *listed) {
      auto partition = partition_of(*fetched);
      if (!partition) return pass(partition);
      if (fetched->bytes() > body.bytes.size() - at)
        return fail(Errc::kInvalidRequest, "batches are cut");
      if (fetched->bytes() > 0) partition->batches.push_back(body.sub(at, fetched->bytes()));
      at += fetched->bytes();
      answer.partitions.push_back(std::move(*partition));
    }
  }
  if (at != body.bytes.size()) return fail(Errc::kInvalidRequest, "bytes after the last batch");
  return {};
}

// Splits off the head. kInvalidRequest: the bytes end before it does.
Result<std::size_t> head_bytes(Bytes bytes) {
  if (bytes.size() < kPrefixBytes) return fail(Errc::kInvalidRequest, "fetch answer is cut");
  flatbuffers::uoffset_t length = 0;
  std::memcpy(&length, bytes.data(), kPrefixBytes);
  const std::size_t head = kPrefixBytes + flatbuffers::EndianScalar(length);
  if (head > bytes.size()) return fail(Errc::kInvalidRequest, "fetch answer is cut");
  return head;
}

}  // namespace

std::string_view to_string(FetchState state) noexcept {
  return wire::EnumNameState(static_cast<wire::State>(state));
}

std::vector<Slice> encode(const FetchAnswer& answer) {
  std::vector<Slice> slices;
  slices.push_back(Slice::own(encode_head(answer)));
  for (const auto& partition : answer.partitions)
    slices.insert(slices.end(), partition.batches.begin(), partition.batches.end());
  return slices;
}

Result<FetchAnswer> decode_answer(const Slice& bytes) {
  auto head = head_bytes(bytes.bytes);
  if (!head) return pass(head);
  auto verified = wire::verify<wire::Answer>(bytes.bytes.first(*head), kIdentifier);
  if (!verified) return pass(verified, "fetch answer");
  const auto& root = *verified->root;
  FetchAnswer answer{.parent = wire::text_of(root.parent()),
                     .cluster = wire::of_wire(root.cluster()),
                     .session = root.session(),
                     .pace_ms = root.pace_ms(),
                     .topology_version = root.topology_version(),
                     .age_ms = {},
                     .partitions = {}};
  answer.age_ms = root.age_ms();
  auto parent = check_node_id(answer.parent);
  if (!parent) return pass(parent, "fetch answer");
  auto partitions = read_partitions(root, bytes.sub(*head, bytes.bytes.size() - *head), answer);
  if (!partitions) return pass(partitions, "fetch answer");
  return answer;
}

}  // namespace xylem::pipe
