#include "broker/delayed/target_partitions.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::broker {

using network::ClientSession;
using network::FrameType;

namespace {

Result<Offset> high_watermark_in(const Result<network::Frame>& frame, const LogId& log) {
  const auto answer = network::answer_as<network::MetadataAnswer>(FrameType::kMetadata, frame);
  if (!answer) return std::unexpected(answer.error());
  for (const auto& topic : answer->topics) {
    if (topic.incarnation != log.incarnation) continue;
    const auto found =
        std::ranges::find(topic.partitions, log.partition, &network::PartitionMetadata::partition);
    if (found != topic.partitions.end()) return found->high_watermark;
  }
  return fail(Errc::kUnavailable, "its leader does not know the topic (any more, or yet)", "retry");
}

}  // namespace

TargetPartitions::TargetPartitions(Context context) : context_(std::move(context)) {}

TargetPartitions::~TargetPartitions() = default;

void TargetPartitions::high_watermark(const TopicDefinition& topic,
                                      PartitionId partition,
                                      std::function<void(Result<Offset>)> done) {
  const auto log = topic.log(partition.value());
  const auto* here = context_.partitions.find(log);
  const bool is_led_here = here != nullptr && here->is_leader();
  if (is_led_here && !here->knows_committed())
    return done(fail(Errc::kUnavailable, "how far it is committed is not known yet", "retry"));
  if (is_led_here) return done(here->high_watermark());
  // A leader that has just begun may know less than a replica.
  const auto at_least = here != nullptr ? here->high_watermark() : Offset(0);
  reach(log, [name = topic.name, log, at_least,
              done = std::move(done)](const Result<ClientSession*>& session) {
    if (!session) return done(std::unexpected(session.error()));
    const network::MetadataRequest request{.topics = {name}, .group = {}};
    (*session)->request(FrameType::kMetadata, network::payload_of(request), kTimeoutMs,
                        [log, at_least, done](const auto& frame) {
                          auto answer = high_watermark_in(frame, log);
                          if (answer) answer = std::max(*answer, at_least);
                          done(std::move(answer));
                        });
  });
}

void TargetPartitions::append(const TopicDefinition& topic,
                              PartitionId partition,
                              Slice batch,
                              Offset since,
                              std::function<void(Status)> done) {
  const auto log = topic.log(partition.value());
  auto* here = context_.partitions.find(log);
  if (here != nullptr && here->is_leader()) {
    return here->append(
        batch.bytes, Acks::kAll,
        [done = std::move(done)](const Result<Partition::Appended>& appended) {
          done(appended ? Status() : std::unexpected(appended.error()));
        },
        since);
  }
  const network::DataHeader header{.topic = topic.name,
                                   .partition = partition,
                                   .incarnation = topic.incarnation,
                                   .batch_count = 1,
                                   .acks = -1,
                                   .numbered_since = since};
  reach(log, [header, batch = std::move(batch),
              done = std::move(done)](const Result<ClientSession*>& session) {
    if (!session) return done(std::unexpected(session.error()));
    const std::array pieces = {Slice::own(network::encode_data_header(header)), batch};
    (*session)->request(FrameType::kData, pieces, kTimeoutMs, [done](const auto& frame) {
      const auto ack = network::answer_as<network::ProduceAck>(FrameType::kAck, frame);
      done(ack ? Status() : std::unexpected(ack.error()));
    });
  });
}

void TargetPartitions::reach(const LogId& log, Reached reached) {
  const auto address = context_.leader_address(log);
  if (address.empty()) return reached(fail(Errc::kUnavailable, "nobody leads it now", "retry"));
  auto& peer = open(address);
  peer.used_ms = context_.client.clock.monotonic_ms();
  if (peer.session == nullptr)
    return reached(fail(Errc::kUnavailable, "\"" + address + "\" is no address"));
  if (peer.session->is_ready()) return reached(peer.session.get());
  peer.waiting.push_back(std::move(reached));
}

TargetPartitions::Peer& TargetPartitions::open(const std::string& address) {
  const auto parsed = network::Address::parse(address);
  auto& peer = peers_[address];
  if (peer.session != nullptr || !parsed) return peer;
  peer.session = std::make_unique<ClientSession>(
      context_.client,
      ClientSession::Options{.brokers = {*parsed},
                             .client_id = "delayed",
                             .token = {},
                             .connect_timeout_ms = kConnectTimeoutMs,
                             .backoff_ms = kBackoffMs,
                             .backoff_max_ms = kBackoffMsMax},
      ClientSession::Handlers{
          .ready =
              [this, address](const network::HelloAnswer&) {
                settle(address, peers_.at(address).session.get());
              },
          .lost = [this, address](
                      const Error& why) { settle(address, fail(Errc::kUnavailable, why.what())); },
          .frame = {},
          .writable = {}});
  peer.session->start();
  return peer;
}

void TargetPartitions::settle(const std::string& address, const Result<ClientSession*>& result) {
  for (auto& reached : std::exchange(peers_.at(address).waiting, {})) reached(result);
}

void TargetPartitions::close_idle() {
  const auto now_ms = context_.client.clock.monotonic_ms();
  std::erase_if(peers_, [now_ms](const auto& entry) {
    const auto& peer = entry.second;
    return now_ms - peer.used_ms > kIdleMs && peer.waiting.empty() &&
           (peer.session == nullptr || !peer.session->is_waiting());
  });
}

}  // namespace xylem::broker
