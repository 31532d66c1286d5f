// DELIVERY_FAILURE: what a consumer could not handle, and what becomes of it.
#include "network/protocol/codec.h"

namespace xylem::network {

template <>
struct Codec<DeliveryFailure> {
  using Table = fbs::DeliveryFailure;

  static auto pack(Builder& builder, const DeliveryFailure& failure) {
    const auto incarnation = packed(failure.incarnation);
    return fbs::CreateDeliveryFailure(
        builder, builder.CreateString(failure.group), builder.CreateString(failure.member),
        builder.CreateString(failure.topic), failure.partition.value(), &incarnation,
        failure.offset.value(), builder.CreateString(failure.reason));
  }

  static DeliveryFailure unpack(Unpacker& unpacker, const Table& table) {
    return {.group = unpacker.text(table.group()),
            .member = unpacker.text(table.member()),
            .topic = unpacker.text(table.topic()),
            .partition = unpacker.partition(table.partition()),
            .incarnation = Unpacker::incarnation(table.incarnation()),
            .offset = Offset(table.offset()),
            .reason = unpacker.text(table.reason())};
  }
};

template <>
struct Codec<DeliveryFailureAnswer> {
  using Table = fbs::DeliveryFailureAnswer;

  static auto pack(Builder& builder, const DeliveryFailureAnswer& answer) {
    return fbs::CreateDeliveryFailureAnswer(builder, answer.deliveries, answer.is_dead_lettered);
  }

  static DeliveryFailureAnswer unpack(Unpacker& /*unpacker*/, const Table& table) {
    return {.deliveries = table.deliveries(), .is_dead_lettered = table.is_dead_lettered()};
  }
};

template Buffer encode(const DeliveryFailure&);
template Result<DeliveryFailure> decode(Bytes);
template Buffer encode(const DeliveryFailureAnswer&);
template Result<DeliveryFailureAnswer> decode(Bytes);

}  // namespace xylem::network
