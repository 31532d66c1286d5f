// HELLO, METADATA, ERROR, ADMIN.
#include "network/protocol/codec.h"

namespace xylem::network {
namespace {

constexpr Offset kNotCommitted{-1};

std::optional<Offset> committed_of(std::int64_t field) {
  return field < 0 ? std::nullopt : std::optional(Offset(field));
}

Delivery delivery_of(Unpacker& unpacker, fbs::Delivery field) {
  if (field <= fbs::Delivery::MAX) return static_cast<Delivery>(field);
  unpacker.refuse("unknown delivery of a topic");
  return Delivery::kShared;
}

// Nothing for an empty one: what has it as a later field stays as it was without.
flatbuffers::Offset<flatbuffers::String> packed(Builder& builder, const std::string& text) {
  return text.empty() ? 0 : builder.CreateString(text);
}

}  // namespace

template <>
struct Codec<Hello> {
  using Table = fbs::Hello;

  static auto pack(Builder& builder, const Hello& hello) {
    return fbs::CreateHello(builder, hello.version, builder.CreateString(hello.client_id),
                            builder.CreateString(hello.token));
  }

  static Hello unpack(Unpacker& unpacker, const Table& table) {
    return {.version = table.version(),
            .client_id = unpacker.text(table.client_id()),
            .token = unpacker.text(table.token())};
  }
};

template <>
struct Codec<HelloAnswer> {
  using Table = fbs::HelloAnswer;

  static auto pack(Builder& builder, const HelloAnswer& answer) {
    const auto cluster = packed(answer.cluster);
    return fbs::CreateHelloAnswer(builder, answer.version, builder.CreateString(answer.node),
                                  builder.CreateString(answer.role), &cluster,
                                  answer.payload_bytes_max, answer.heartbeat_ms,
                                  answer.has_coordinators);
  }

  static HelloAnswer unpack(Unpacker& unpacker, const Table& table) {
    return {.version = table.version(),
            .node = unpacker.text(table.node()),
            .role = unpacker.text(table.role()),
            .cluster = Unpacker::uuid(table.cluster()),
            .payload_bytes_max = table.payload_bytes_max(),
            .heartbeat_ms = table.heartbeat_ms(),
            .has_coordinators = table.has_coordinators()};
  }
};

template <>
struct Codec<MetadataRequest> {
  using Table = fbs::MetadataRequest;

  static auto pack(Builder& builder, const MetadataRequest& request) {
    return fbs::CreateMetadataRequest(
        builder, builder.CreateVectorOfStrings(request.topics), packed(builder, request.group),
        request.with_offsets, packed(builder, request.member), packed(builder, request.instance));
  }

  static MetadataRequest unpack(Unpacker& unpacker, const Table& table) {
    return {.topics = unpacker.texts(table.topics()),
            .group = unpacker.text(table.group()),
            .with_offsets = table.with_offsets(),
            .member = unpacker.text(table.member()),
            .instance = unpacker.text(table.instance())};
  }
};

template <>
struct Codec<PartitionMetadata> {
  using Table = fbs::PartitionMetadata;

  static auto pack(Builder& builder, const PartitionMetadata& partition) {
    return fbs::CreatePartitionMetadata(
        builder, partition.partition.value(), builder.CreateString(partition.leader),
        builder.CreateString(partition.leader_address), partition.epoch.value(),
        partition.log_start.value(), partition.high_watermark.value(),
        partition.committed.value_or(kNotCommitted).value());
  }

  static PartitionMetadata unpack(Unpacker& unpacker, const Table& table) {
    return {.partition = unpacker.partition(table.partition()),
            .leader = unpacker.text(table.leader()),
            .leader_address = unpacker.text(table.leader_address()),
            .epoch = Epoch(table.epoch()),
            .log_start = Offset(table.log_start()),
            .high_watermark = Offset(table.high_watermark()),
            .committed = committed_of(table.committed())};
  }
};

template <>
struct Codec<TopicMetadata> {
  using Table = fbs::TopicMetadata;

  static auto pack(Builder& builder, const TopicMetadata& topic) {
    std::vector<flatbuffers::Offset<fbs::PartitionMetadata>> partitions;
    partitions.reserve(topic.partitions.size());
    for (const auto& partition : topic.partitions)
      partitions.push_back(Codec<PartitionMetadata>::pack(builder, partition));
    const auto incarnation = packed(topic.incarnation);
    return fbs::CreateTopicMetadata(builder, builder.CreateString(topic.name), &incarnation,
                                    builder.CreateVector(partitions),
                                    static_cast<fbs::Delivery>(topic.delivery), topic.is_local);
  }

  static TopicMetadata unpack(Unpacker& unpacker, const Table& table) {
    TopicMetadata topic{.name = unpacker.text(table.name()),
                        .incarnation = Unpacker::incarnation(table.incarnation()),
                        .partitions = {},
                        .delivery = delivery_of(unpacker, table.delivery()),
                        .is_local = table.is_local()};
    if (table.partitions() == nullptr) return topic;
    for (const auto* partition : *table.partitions())
      topic.partitions.push_back(Codec<PartitionMetadata>::unpack(unpacker, *partition));
    return topic;
  }
};

template <>
struct Codec<MetadataAnswer> {
  using Table = fbs::MetadataAnswer;

  static auto pack(Builder& builder, const MetadataAnswer& answer) {
    std::vector<flatbuffers::Offset<fbs::TopicMetadata>> topics;
    topics.reserve(answer.topics.size());
    for (const auto& topic : answer.topics)
      topics.push_back(Codec<TopicMetadata>::pack(builder, topic));
    return fbs::CreateMetadataAnswer(builder, builder.CreateVector(topics),
                                     builder.CreateVectorOfStrings(answer.unknown),
                                     packed(builder, answer.coordinator_address));
  }

  static MetadataAnswer unpack(Unpacker& unpacker, const Table& table) {
    MetadataAnswer answer{.topics = {},
                          .unknown = unpacker.texts(table.unknown()),
                          .coordinator_address = unpacker.text(table.coordinator_address())};
    if (table.topics() == nullptr) return answer;
    for (const auto* topic : *table.topics())
      answer.topics.push_back(Codec<TopicMetadata>::unpack(unpacker, *topic));
    return answer;
  }
};

template <>
struct Codec<ErrorMessage> {
  using Table = fbs::ErrorMessage;

  static auto pack(Builder& builder, const ErrorMessage& error) {
    return fbs::CreateErrorMessage(builder, error.code, builder.CreateString(error.text),
                                   builder.CreateString(error.hint));
  }

  static ErrorMessage unpack(Unpacker& unpacker, const Table& table) {
    return {.code = table.code(),
            .text = unpacker.text(table.text()),
            .hint = unpacker.text(table.hint())};
  }
};

template <>
struct Codec<Admin> {
  using Table = fbs::Admin;

  static auto pack(Builder& builder, const Admin& admin) {
    return fbs::CreateAdmin(builder, builder.CreateString(admin.command),
                            builder.CreateString(admin.json));
  }

  static Admin unpack(Unpacker& unpacker, const Table& table) {
    return {.command = unpacker.text(table.command()), .json = unpacker.text(table.json())};
  }
};

ErrorMessage to_message(const Error& error) {
  return {static_cast<std::uint16_t>(error.code()), error.what(), error.hint()};
}

Error to_error(const ErrorMessage& message) {
  if (const auto code = errc_of(message.code)) return {*code, message.text, message.hint};
  return {Errc::kIo, message.text + " (code " + std::to_string(message.code) + ")", message.hint};
}

template Buffer encode(const Hello&);
template Result<Hello> decode(Bytes);
template Buffer encode(const HelloAnswer&);
template Result<HelloAnswer> decode(Bytes);
template Buffer encode(const MetadataRequest&);
template Result<MetadataRequest> decode(Bytes);
template Buffer encode(const MetadataAnswer&);
template Result<MetadataAnswer> decode(Bytes);
template Buffer encode(const ErrorMessage&);
template Result<ErrorMessage> decode(Bytes);
template Buffer encode(const Admin&);
template Result<Admin> decode(Bytes);

}  // namespace xylem::network
