#include "pipe/messages.h"
#include "pipe/wire.h"

#include <algorithm>
#include <utility>

namespace xylem::pipe {
namespace {

constexpr const char* kIdentifier = "XPQ1";
constexpr std::int64_t kUnbounded = -1;

Result<FetchPartition> position_of(const wire::Position& position) {
  auto log = wire::of_wire(position.log());
  if (!log) return pass(log);
  const auto cursor = wire::offset_of(position.cursor(), "cursor");
  if (!cursor) return std::unexpected(cursor.error());
  const auto compacted = wire::offset_of(position.compacted_below(), "compacted_below");
  if (!compacted) return std::unexpected(compacted.error());
  if (position.last_epoch() < kNoEpoch.value())
    return fail(Errc::kInvalidRequest, "epoch below -1");
  return FetchPartition{.log = *log,
                        .cursor = *cursor,
                        .last_epoch = Epoch(position.last_epoch()),
                        .last_crc = position.last_crc(),
                        .compacted_below = *compacted,
                        .tombstone_horizon = {},
                        .following = {}};
}

Status read_following(const wire::Request& root, FetchRequest& request) {
  const auto* following = root.following();
  if (following == nullptr) return {};
  if (following->size() != request.partitions.size())
    return fail(Errc::kInvalidRequest, "what each position follows, or none");
  if (!wire::is_aligned(*following)) return fail(Errc::kInvalidRequest, "misaligned following");
  for (flatbuffers::uoffset_t i = 0; i < following->size(); ++i) {
    const auto* each = following->Get(i);
    const auto synced = wire::offset_of(each->synced(), "synced");
    if (!synced) return std::unexpected(synced.error());
    if (each->epoch() < kNoEpoch.value()) return fail(Errc::kInvalidRequest, "epoch below -1");
    request.partitions[i].following = Following{each->version(), *synced, Epoch(each->epoch())};
  }
  return {};
}

Status read_horizons(const wire::Request& root, FetchRequest& request) {
  const auto* horizons = root.horizons();
  if (horizons == nullptr) return {};
  if (horizons->size() != request.partitions.size())
    return fail(Errc::kInvalidRequest, "a horizon for each position, or none");
  if (!wire::is_aligned(*horizons)) return fail(Errc::kInvalidRequest, "misaligned horizons");
  for (flatbuffers::uoffset_t i = 0; i < horizons->size(); ++i) {
    const auto horizon = wire::offset_of(horizons->Get(i), "tombstone horizon");
    if (!horizon) return std::unexpected(horizon.error());
    request.partitions[i].tombstone_horizon = *horizon;
  }
  return {};
}

Status read_positions(const wire::Request& root, FetchRequest& request) {
  const auto* positions = root.positions();
  if (positions == nullptr) return {};
  if (!wire::is_aligned(*positions)) return fail(Errc::kInvalidRequest, "misaligned positions");
  request.partitions.reserve(positions->size());
  for (const auto* position : *positions) {
    auto partition = position_of(*position);
    if (!partition) return pass(partition);
    request.partitions.push_back(*partition);
  }
  return {};
}

Status read_bounds(const wire::Request& root, FetchRequest& request) {
  const auto* below = root.below();
  if (below == nullptr || below->size() == 0) return {};
  if (!wire::is_aligned(*below)) return fail(Errc::kInvalidRequest, "misaligned bounds");
  if (below->size() != request.partitions.size())
    return fail(Errc::kInvalidRequest, "not one bound for each position");
  for (flatbuffers::uoffset_t i = 0; i < below->size(); ++i) {
    if (below->Get(i) >= 0) request.partitions[i].below = Offset(below->Get(i));
  }
  return {};
}

Status read_forgotten(const wire::Request& root, FetchRequest& request) {
  const auto* forgotten = root.forgotten();
  if (forgotten == nullptr) return {};
  if (!wire::is_aligned(*forgotten)) return fail(Errc::kInvalidRequest, "misaligned forgotten");
  request.forgotten.reserve(forgotten->size());
  for (const auto* log : *forgotten) {
    auto id = wire::of_wire(*log);
    if (!id) return pass(id);
    request.forgotten.push_back(*id);
  }
  return {};
}

Status read_partitions(const wire::Request& root, FetchRequest& request) {
  if (auto read = read_positions(root, request); !read) return read;
  if (auto read = read_bounds(root, request); !read) return read;
  if (auto read = read_horizons(root, request); !read) return read;
  if (auto read = read_following(root, request); !read) return read;
  return read_forgotten(root, request);
}

// Empty: none of them is a replica's.
std::vector<wire::Following> following_of(const FetchRequest& request) {
  std::vector<wire::Following> all;
  for (const auto& at : request.partitions) {
    if (!at.following) return {};
    const auto& it = *at.following;
    all.emplace_back(it.version, it.synced.value(), it.epoch.value());
  }
  return all;
}

}  // namespace

bool FetchPartition::still_asks(const FetchPartition& asked) const {
  auto now = *this;
  if (now.following && asked.following && now.following->epoch == asked.following->epoch)
    now.following = asked.following;  // it has synced more, or heard of a newer record
  return now == asked;
}

Buffer encode(const FetchRequest& request) {
  flatbuffers::FlatBufferBuilder builder(256 + request.partitions.size() * sizeof(wire::Position));
  std::vector<wire::Position> positions;
  positions.reserve(request.partitions.size());
  for (const auto& at : request.partitions) {
    positions.emplace_back(wire::to_wire(at.log), at.cursor.value(), at.compacted_below.value(),
                           at.last_epoch.value(), at.last_crc);
  }
  std::vector<std::int64_t> horizons;
  horizons.reserve(request.partitions.size());
  for (const auto& at : request.partitions) horizons.push_back(at.tombstone_horizon.value());
  const bool has_horizons = std::ranges::any_of(horizons, [](auto each) { return each != 0; });
  std::vector<wire::Log> forgotten;
  forgotten.reserve(request.forgotten.size());
  for (const auto& log : request.forgotten) forgotten.push_back(wire::to_wire(log));

  std::vector<std::int64_t> below;
  if (std::ranges::any_of(request.partitions,
                          [](const auto& at) { return at.below.has_value(); })) {
    below.reserve(request.partitions.size());
    for (const auto& at : request.partitions)
      below.push_back(at.below ? at.below->value() : kUnbounded);
  }

  const auto child = builder.CreateString(request.child);
  const auto listed = builder.CreateVectorOfStructs(positions);
  const auto dropped = builder.CreateVectorOfStructs(forgotten);
  const auto bounds = below.empty() ? flatbuffers::Offset<flatbuffers::Vector<std::int64_t>>()
                                    : builder.CreateVector(below);
  flatbuffers::Offset<flatbuffers::Vector<std::int64_t>> told;
  if (has_horizons) told = builder.CreateVector(horizons);
  const auto following = following_of(request);
  flatbuffers::Offset<flatbuffers::Vector<const wire::Following*>> followed;
  if (!following.empty()) followed = builder.CreateVectorOfStructs(following);
  const auto cluster = wire::to_wire(request.cluster);
  wire::RequestBuilder root(builder);
  root.add_child(child);
  root.add_cluster(&cluster);
  root.add_replica(request.replica);
  root.add_session(request.session);
  root.add_sequence(request.sequence);
  root.add_answered(request.answered);
  root.add_positions(listed);
  root.add_forgotten(dropped);
  if (!below.empty()) root.add_below(bounds);
  root.add_bytes_max(request.bytes_max);
  root.add_bytes_min(request.bytes_min);
  root.add_wait_ms(request.wait_ms);
  if (has_horizons) root.add_horizons(told);
  if (!following.empty()) root.add_following(followed);
  builder.FinishSizePrefixed(root.Finish(), kIdentifier);
  return wire::take(builder);
}

Result<FetchRequest> decode_request(Bytes bytes) {
  auto verified = wire::verify<wire::Request>(bytes, kIdentifier);
  if (!verified) return pass(verified, "fetch request");
  const auto& root = *verified->root;
  FetchRequest request{.child = wire::text_of(root.child()),
                       .cluster = wire::of_wire(root.cluster()),
                       .replica = std::max(root.replica(), -1),
                       .session = root.session(),
                       .sequence = root.sequence(),
                       .answered = root.answered(),
                       .partitions = {},
                       .forgotten = {},
                       .bytes_max = root.bytes_max(),
                       .bytes_min = root.bytes_min(),
                       .wait_ms = root.wait_ms()};
  auto child = check_node_id(request.child);
  if (!child) return pass(child, "fetch request");
  auto partitions = read_partitions(root, request);
  if (!partitions) return pass(partitions, "fetch request");
  return request;
}

}  // namespace xylem::pipe
