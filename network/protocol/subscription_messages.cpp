// SUBSCRIBE, GAP, COMMIT_OFFSET, and the four frames of a refresh.
#include "network/protocol/codec.h"

namespace xylem::network {
namespace {

StartAt start_of(Unpacker& unpacker, fbs::StartAt field) {
  if (field > fbs::StartAt::MAX) {
    unpacker.refuse("unknown start of a subscription");
    return StartAt::kCommitted;
  }
  return static_cast<StartAt>(field);
}

TakesGaps takes_gaps_of(Unpacker& unpacker, fbs::TakesGaps field) {
  if (field <= fbs::TakesGaps::MAX) return static_cast<TakesGaps>(field);
  unpacker.refuse("unknown wish about gaps");
  return TakesGaps::kNo;
}

GapReason reason_of(Unpacker& unpacker, fbs::GapReason field) {
  if (field <= fbs::GapReason::MAX) return static_cast<GapReason>(field);
  unpacker.refuse("unknown reason of a gap");
  return GapReason::kRetention;
}

}  // namespace

template <>
struct Codec<SubscribePartition> {
  using Table = fbs::SubscribePartition;

  static auto pack(Builder& builder, const SubscribePartition& partition) {
    const auto incarnation = packed(partition.incarnation);
    return fbs::CreateSubscribePartition(
        builder, partition.partition.value(), static_cast<fbs::StartAt>(partition.start),
        static_cast<fbs::StartAt>(partition.reset), partition.offset.value(), &incarnation,
        static_cast<fbs::TakesGaps>(partition.takes_gaps));
  }

  static SubscribePartition unpack(Unpacker& unpacker, const Table& table) {
    if (table.offset() < 0) unpacker.refuse("a negative offset to begin at");
    return {.partition = unpacker.partition(table.partition()),
            .start = start_of(unpacker, table.start()),
            .reset = start_of(unpacker, table.reset()),
            .offset = Offset(table.offset()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .takes_gaps = takes_gaps_of(unpacker, table.takes_gaps())};
  }
};

template <>
struct Codec<Subscribe> {
  using Table = fbs::Subscribe;

  static auto pack(Builder& builder, const Subscribe& subscribe) {
    std::vector<flatbuffers::Offset<fbs::SubscribePartition>> partitions;
    partitions.reserve(subscribe.partitions.size());
    for (const auto& partition : subscribe.partitions)
      partitions.push_back(Codec<SubscribePartition>::pack(builder, partition));
    flatbuffers::Offset<fbs::SubscribePartition> every;
    if (subscribe.every) every = Codec<SubscribePartition>::pack(builder, *subscribe.every);
    const bool has_filter = !subscribe.filter.empty();
    return fbs::CreateSubscribe(
        builder, builder.CreateString(subscribe.topic), builder.CreateString(subscribe.group),
        builder.CreateString(subscribe.member), builder.CreateVector(partitions), every,
        subscribe.credit_bytes, subscribe.auto_commit,
        has_filter ? builder.CreateString(subscribe.filter) : 0,
        subscribe.instance.empty() ? 0 : builder.CreateString(subscribe.instance),
        subscribe.counts_deliveries);
  }

  static Subscribe unpack(Unpacker& unpacker, const Table& table) {
    Subscribe subscribe{.topic = unpacker.text(table.topic()),
                        .group = unpacker.text(table.group()),
                        .member = unpacker.text(table.member()),
                        .partitions = {},
                        .every = {},
                        .credit_bytes = table.credit_bytes(),
                        .auto_commit = table.auto_commit(),
                        .filter = unpacker.text(table.filter()),
                        .instance = unpacker.text(table.instance()),
                        .counts_deliveries = table.counts_deliveries()};
    if (table.every() != nullptr)
      subscribe.every = Codec<SubscribePartition>::unpack(unpacker, *table.every());
    if (table.partitions() == nullptr) return subscribe;
    for (const auto* partition : *table.partitions())
      subscribe.partitions.push_back(Codec<SubscribePartition>::unpack(unpacker, *partition));
    return subscribe;
  }
};

template <>
struct Codec<PartitionElsewhere> {
  using Table = fbs::PartitionElsewhere;

  static auto pack(Builder& builder, const PartitionElsewhere& elsewhere) {
    return fbs::CreatePartitionElsewhere(builder, elsewhere.partition.value(),
                                         builder.CreateString(elsewhere.leader_address));
  }

  static PartitionElsewhere unpack(Unpacker& unpacker, const Table& table) {
    return {.partition = unpacker.partition(table.partition()),
            .leader_address = unpacker.text(table.leader_address())};
  }
};

template <>
struct Codec<SubscribeAnswer> {
  using Table = fbs::SubscribeAnswer;

  static auto pack(Builder& builder, const SubscribeAnswer& answer) {
    std::vector<fbs::SubscribedPartition> partitions;
    partitions.reserve(answer.partitions.size());
    for (const auto& partition : answer.partitions)
      partitions.emplace_back(partition.partition.value(), partition.cursor.value(),
                              partition.log_start.value(), partition.high_watermark.value());
    std::vector<flatbuffers::Offset<fbs::PartitionElsewhere>> elsewhere;
    elsewhere.reserve(answer.elsewhere.size());
    for (const auto& partition : answer.elsewhere)
      elsewhere.push_back(Codec<PartitionElsewhere>::pack(builder, partition));
    const auto incarnation = packed(answer.incarnation);
    return fbs::CreateSubscribeAnswer(builder, builder.CreateString(answer.topic), &incarnation,
                                      builder.CreateVectorOfStructs(partitions),
                                      elsewhere.empty() ? 0 : builder.CreateVector(elsewhere),
                                      answer.dead_letter_after);
  }

  static SubscribeAnswer unpack(Unpacker& unpacker, const Table& table) {
    SubscribeAnswer answer{.topic = unpacker.text(table.topic()),
                           .incarnation = Unpacker::incarnation(table.incarnation()),
                           .partitions = {},
                           .elsewhere = {},
                           .dead_letter_after = table.dead_letter_after()};
    if (table.elsewhere() != nullptr) {
      answer.elsewhere.reserve(table.elsewhere()->size());
      for (const auto* partition : *table.elsewhere())
        answer.elsewhere.push_back(Codec<PartitionElsewhere>::unpack(unpacker, *partition));
    }
    if (table.partitions() == nullptr || table.partitions()->size() == 0) return answer;
    // The verifier does not look how the elements are aligned; an empty vector's need not be.
    if (!is_aligned_for<fbs::SubscribedPartition>(table.partitions()->Data())) {
      unpacker.refuse("misaligned vector");
      return answer;
    }
    answer.partitions.reserve(table.partitions()->size());
    for (const auto* partition : *table.partitions())
      answer.partitions.push_back({.partition = unpacker.partition(partition->partition()),
                                   .cursor = Offset(partition->cursor()),
                                   .log_start = Offset(partition->log_start()),
                                   .high_watermark = Offset(partition->high_watermark())});
    return answer;
  }
};

template <>
struct Codec<CommitOffset> {
  using Table = fbs::CommitOffset;

  static auto pack(Builder& builder, const CommitOffset& commit) {
    const auto incarnation = packed(commit.incarnation);
    return fbs::CreateCommitOffset(
        builder, builder.CreateString(commit.group), builder.CreateString(commit.member),
        commit.group_generation, builder.CreateString(commit.topic), commit.partition.value(),
        &incarnation, commit.next_offset.value(),
        commit.instance.empty() ? 0 : builder.CreateString(commit.instance));
  }

  static CommitOffset unpack(Unpacker& unpacker, const Table& table) {
    return {.group = unpacker.text(table.group()),
            .member = unpacker.text(table.member()),
            .group_generation = table.group_generation(),
            .topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .next_offset = Offset(table.next_offset()),
            .instance = unpacker.text(table.instance())};
  }
};

std::string_view to_string(GapReason reason) {
  return reason == GapReason::kRetention ? "retention" : "upstream";
}

template <>
struct Codec<Gap> {
  using Table = fbs::Gap;

  static auto pack(Builder& builder, const Gap& gap) {
    const auto incarnation = packed(gap.incarnation);
    return fbs::CreateGap(builder, builder.CreateString(gap.topic), gap.partition.value(),
                          &incarnation, gap.from.value(), gap.to.value(),
                          static_cast<fbs::GapReason>(gap.reason));
  }

  static Gap unpack(Unpacker& unpacker, const Table& table) {
    if (table.from() < 0 || table.to() <= table.from()) unpacker.refuse("a gap of no records");
    return {.topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .from = Offset(table.from()),
            .to = Offset(table.to()),
            .reason = reason_of(unpacker, table.reason())};
  }
};

template <>
struct Codec<Refresh> {
  using Table = fbs::Refresh;

  static auto pack(Builder& builder, const Refresh& refresh) {
    std::vector<std::int64_t> barrier;
    barrier.reserve(refresh.barrier.size());
    for (const auto offset : refresh.barrier) barrier.push_back(offset.value());
    const auto incarnation = packed(refresh.incarnation);
    return fbs::CreateRefresh(builder, builder.CreateString(refresh.topic), refresh.refresh_id,
                              &incarnation, builder.CreateString(refresh.reason),
                              builder.CreateVector(barrier));
  }

  static Refresh unpack(Unpacker& unpacker, const Table& table) {
    Refresh refresh{.topic = unpacker.text(table.topic()),
                    .refresh_id = table.refresh_id(),
                    .incarnation = Unpacker::incarnation(table.incarnation()),
                    .reason = unpacker.text(table.reason()),
                    .barrier = {}};
    if (table.barrier() == nullptr || table.barrier()->size() == 0) return refresh;
    // The verifier checks where a vector lies, not how its elements are aligned. (An empty one's
    // need not be: the builder does not care.)
    if (!is_aligned_for<std::int64_t>(table.barrier()->Data())) {
      unpacker.refuse("misaligned vector");
      return refresh;
    }
    refresh.barrier.reserve(table.barrier()->size());
    for (const auto offset : *table.barrier()) refresh.barrier.emplace_back(offset);
    return refresh;
  }
};

template Buffer encode(const Subscribe&);
template Result<Subscribe> decode(Bytes);
template Buffer encode(const SubscribeAnswer&);
template Result<SubscribeAnswer> decode(Bytes);
template Buffer encode(const Gap&);
template Result<Gap> decode(Bytes);
template Buffer encode(const CommitOffset&);
template Result<CommitOffset> decode(Bytes);
template Buffer encode(const Refresh&);
template Result<Refresh> decode(Bytes);

}  // namespace xylem::network
