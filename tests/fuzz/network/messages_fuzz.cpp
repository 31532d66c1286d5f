// Every message decoder on any bytes (the first says which one): no crash, and what is accepted
// encodes to something that decodes to the same again.
#include "common/check.h"
#include "network/protocol/messages.h"

#include <array>
#include <cstdint>

namespace {

using xylem::Bytes;
namespace network = xylem::network;

template <class Message>
void check(Bytes bytes) {
  const auto first = network::decode<Message>(bytes);
  if (!first) return;
  const auto encoded = network::encode(*first);
  const auto second = network::decode<Message>(encoded);
  XYLEM_CHECK(second);
  XYLEM_CHECK(network::encode(*second) == encoded);
}

void check_data(Bytes bytes) {
  const auto data = network::decode_data(xylem::Slice{nullptr, bytes});
  if (!data) return;
  XYLEM_CHECK(data->batches.bytes.size() < bytes.size());
  const auto encoded = network::encode_data_header(data->header);
  const auto again = network::decode_data(xylem::Slice{nullptr, encoded});
  XYLEM_CHECK(again && again->batches.bytes.empty());
}

using Check = void (*)(Bytes);

constexpr std::array<Check, 19> kChecks = {
    check_data,
    check<network::Hello>,
    check<network::HelloAnswer>,
    check<network::ProduceAck>,
    check<network::DeliveryAck>,
    check<network::Subscribe>,
    check<network::SubscribeAnswer>,
    check<network::CommitOffset>,
    check<network::Refresh>,
    check<network::Fetch>,
    check<network::MetadataRequest>,
    check<network::MetadataAnswer>,
    check<network::ErrorMessage>,
    check<network::Admin>,
    check<network::GroupBeat>,
    check<network::GroupAssignment>,
    check<network::Gap>,
    check<network::DeliveryFailure>,
    check<network::DeliveryFailureAnswer>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  kChecks.at(data[0] % kChecks.size())(bytes.subspan(1));
  return 0;
}
