// DATA, ACK, FETCH: records on their way in and out.
#include "network/protocol/codec.h"

#include <optional>
#include <utility>

namespace xylem::network {

namespace {

constexpr Offset kNoOffset{-1};

}  // namespace

template <>
struct Codec<DataHeader> {
  using Table = fbs::DataHeader;

  static auto pack(Builder& builder, const DataHeader& header) {
    const auto incarnation = packed(header.incarnation);
    return fbs::CreateDataHeader(
        builder, builder.CreateString(header.topic), header.partition.value(), &incarnation,
        header.first_offset.value(), header.epoch.value(), header.batch_count, header.acks,
        header.refresh_id, header.high_watermark.value(), header.due_at_ms,
        header.numbered_since.value_or(kNoOffset).value());
  }

  static std::optional<Offset> since(std::int64_t field) {
    if (field < 0) return std::nullopt;
    return Offset(field);
  }

  static DataHeader unpack(Unpacker& unpacker, const Table& table) {
    return {.topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .first_offset = Offset(table.first_offset()),
            .epoch = Epoch(table.epoch()),
            .batch_count = table.batch_count(),
            .acks = table.acks(),
            .refresh_id = table.refresh_id(),
            .high_watermark = Offset(table.high_watermark()),
            .due_at_ms = table.due_at(),
            .numbered_since = since(table.numbered_since())};
  }
};

template <>
struct Codec<ProduceAck> {
  using Table = fbs::ProduceAck;

  static auto pack(Builder& builder, const ProduceAck& ack) {
    const auto incarnation = packed(ack.incarnation);
    return fbs::CreateProduceAck(builder, &incarnation, ack.base_offset.value(),
                                 ack.next_offset.value(), ack.replicas_synced);
  }

  static ProduceAck unpack(Unpacker& /*unpacker*/, const Table& table) {
    return {.incarnation = Unpacker::incarnation(table.incarnation()),
            .base_offset = Offset(table.base_offset()),
            .next_offset = Offset(table.next_offset()),
            .replicas_synced = table.replicas_synced()};
  }
};

template <>
struct Codec<DeliveryAck> {
  using Table = fbs::DeliveryAck;

  static auto pack(Builder& builder, const DeliveryAck& ack) {
    const auto incarnation = packed(ack.incarnation);
    return fbs::CreateDeliveryAck(builder, builder.CreateString(ack.topic), ack.partition.value(),
                                  &incarnation, ack.next_offset.value(), ack.credit_bytes,
                                  ack.refresh_id);
  }

  static DeliveryAck unpack(Unpacker& unpacker, const Table& table) {
    if (table.next_offset() < 0) unpacker.refuse("a negative offset is acknowledged");
    return {.topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .next_offset = Offset(table.next_offset()),
            .credit_bytes = table.credit_bytes(),
            .refresh_id = table.refresh_id()};
  }
};

template <>
struct Codec<Fetch> {
  using Table = fbs::Fetch;

  static auto pack(Builder& builder, const Fetch& fetch) {
    const auto incarnation = packed(fetch.incarnation);
    return fbs::CreateFetch(builder, builder.CreateString(fetch.topic), fetch.partition.value(),
                            &incarnation, fetch.cursor.value(), fetch.bytes_max, fetch.wait_ms);
  }

  static Fetch unpack(Unpacker& unpacker, const Table& table) {
    return {.topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .cursor = Offset(table.cursor()),
            .bytes_max = table.bytes_max(),
            .wait_ms = table.wait_ms()};
  }
};

namespace {

constexpr std::size_t kPrefixBytes = sizeof(flatbuffers::uoffset_t);

// `bytes` is the header with its size prefix, exactly.
Result<DataHeader> decode_data_header(Bytes bytes) {
  if (!is_aligned(bytes)) return decode_data_header(Buffer(bytes.begin(), bytes.end()));
  auto verifier = verifier_of(bytes);
  if (!verifier.VerifySizePrefixedBuffer<fbs::DataHeader>(nullptr))
    return fail(Errc::kInvalidRequest, "data header does not verify");
  Unpacker unpacker(bytes.size());
  auto header = Codec<DataHeader>::unpack(
      unpacker, *flatbuffers::GetSizePrefixedRoot<fbs::DataHeader>(bytes.data()));
  if (auto status = unpacker.status(); !status) return pass(status);
  return header;
}

}  // namespace

Buffer encode_data_header(const DataHeader& header) {
  Builder builder;
  builder.FinishSizePrefixed(Codec<DataHeader>::pack(builder, header));
  return finished(builder);
}

Result<Data> decode_data(const Slice& payload) {
  const Bytes bytes = payload.bytes;
  if (bytes.size() < kPrefixBytes) return fail(Errc::kInvalidRequest, "data without a header");
  const std::size_t size = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(bytes.data());
  if (size > bytes.size() - kPrefixBytes)
    return fail(Errc::kInvalidRequest, "data header longer than its frame");
  const std::size_t header_bytes = kPrefixBytes + size;
  auto header = decode_data_header(bytes.first(header_bytes));
  if (!header) return pass(header);
  return Data{std::move(*header), payload.sub(header_bytes, bytes.size() - header_bytes)};
}

template Buffer encode(const ProduceAck&);
template Result<ProduceAck> decode(Bytes);
template Buffer encode(const DeliveryAck&);
template Result<DeliveryAck> decode(Bytes);
template Buffer encode(const Fetch&);
template Result<Fetch> decode(Bytes);

}  // namespace xylem::network
