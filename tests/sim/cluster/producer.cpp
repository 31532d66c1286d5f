#include "tests/sim/cluster/producer.h"

#include "common/batch/batch_builder.h"
#include "common/check.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace xylem::sim {
namespace {

constexpr std::size_t kUnderWay = broker::ProducerStates::kWindow - 1;  // batches
constexpr std::int64_t kTimeoutMs = 800;
constexpr std::int64_t kRetryMs = 100;
constexpr std::uint64_t kRecordsMax = 3;  // in a batch

}  // namespace

Producer::Producer(Setting& setting, std::size_t host, const std::vector<RootBroker*>& roots)
    : setting_(setting), host_(host), roots_(roots) {}

void Producer::start() {
  setting_.hosts.start(host_);
  for (std::size_t partition = 0; partition < kPartitions; ++partition) turn_later(partition);
}

void Producer::finish() {
  is_finishing_ = true;
  for (std::size_t partition = 0; partition < kPartitions; ++partition) make(partition);
}

bool Producer::is_done() const {
  return std::ranges::all_of(streams_,
                             [](const Stream& stream) { return stream.unacknowledged.empty(); });
}

void Producer::turn_later(std::size_t partition) {
  const auto pause_us = static_cast<std::uint64_t>(setting_.pace.produce_us);
  setting_.hosts.after(host_,
                       static_cast<std::int64_t>(pause_us / 2 + setting_.random.below(pause_us)),
                       [this, partition] {
                         turn(partition);
                         turn_later(partition);
                       });
}

void Producer::turn(std::size_t partition) {
  auto& stream = streams_[partition];
  const auto now_ms = setting_.hosts.now_ms();
  if (!stream.unacknowledged.empty() && now_ms - stream.sent_ms > kTimeoutMs) {
    stream.leader = setting_.random.below(kRoots);
    stream.must_resend = true;
  }
  if (now_ms < stream.send_at_ms) return;
  if (std::exchange(stream.must_resend, false)) {
    for (const auto& batch : stream.unacknowledged) send(partition, batch);
  } else if (!is_finishing_ && has_room(stream)) {
    make(partition);
  }
}

// The oldest that it may have to send again must still be in the window.
bool Producer::has_room(const Stream& stream) {
  return stream.unacknowledged.empty() ||
         stream.made - stream.unacknowledged.front().number < kUnderWay;
}

void Producer::make(std::size_t partition) {
  auto& stream = streams_[partition];
  BatchBuilder builder;
  const auto first = stream.next_sequence;
  const auto records = static_cast<std::int32_t>(1 + setting_.random.below(kRecordsMax));
  for (; stream.next_sequence < first + records; ++stream.next_sequence) {
    const auto value = std::to_string(index()) + "." + std::to_string(stream.next_sequence);
    XYLEM_CHECK(builder.add({.key = "k", .value = value, .headers = {}}));
  }
  auto batch =
      builder.build({.id = static_cast<std::int64_t>(index()), .epoch = 0, .sequence = first});
  XYLEM_CHECK(batch.has_value());
  setting_.history.sent(partition, index(), *read_batch_header(*batch));
  stream.unacknowledged.push_back({stream.made++, first, *std::move(batch)});
  send(partition, stream.unacknowledged.back());
}

void Producer::send(std::size_t partition, const Batch& batch) {
  auto& stream = streams_[partition];
  stream.sent_ms = setting_.hosts.now_ms();
  const auto to = stream.leader;
  const Reply reply = [this, to, partition](const Produced& answer) {
    setting_.network.send(to, host_, [this, partition, answer] { hear(partition, answer); });
  };
  auto bytes = std::make_shared<const Buffer>(batch.bytes);
  setting_.network.send(host_, to, [this, to, partition, bytes, reply] {
    roots_[to]->produce(partition, *bytes, reply);
  });
}

void Producer::hear(std::size_t partition, const Produced& answer) {
  auto& stream = streams_[partition];
  auto& waiting = stream.unacknowledged;
  const auto batch = std::ranges::find(waiting, answer.sequence, &Batch::sequence);
  if (batch == waiting.end()) return;  // it was answered before
  if (answer.outcome == Produced::Outcome::kAcknowledged) {
    setting_.history.acknowledged(
        {partition, index(), answer.sequence, answer.base, answer.replicas_synced});
    waiting.erase(batch);
    return;
  }
  if (answer.leader != broker::kNoReplica) stream.leader = host_of(answer.leader);
  stream.must_resend = true;
  stream.send_at_ms = setting_.hosts.now_ms() + kRetryMs;
}

}  // namespace xylem::sim
