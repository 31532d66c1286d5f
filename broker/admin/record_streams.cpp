#include "broker/admin/record_streams.h"

#include "broker/admin/partition_lookup.h"
#include "broker/admin/stream_request.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

using network::HttpReplyPtr;
using network::HttpRequest;

RecordStreams::RecordStreams(const ClientContext& context, const Limits& limits)
    : context_(context),
      limits_(limits),
      gauge_(context.metrics.gauge("xylem_broker_http_streams",
                                   "Streams of records by HTTP that are open now.")),
      counters_{context.metrics.counter("xylem_broker_http_streamed_records_total",
                                        "Records written to streams by HTTP."),
                context.metrics.counter("xylem_broker_http_stream_gaps_total",
                                        "Times that retention had removed what was next for a "
                                        "stream by HTTP.")},
      turn_end_(context.loop),
      heartbeat_(context.loop) {
  heartbeat_.start(limits_.heartbeat_ms, limits_.heartbeat_ms, [this] { beat(); });
}

void RecordStreams::open(const HttpRequest& request, const HttpReplyPtr& reply) {
  if (streams_.size() >= limits_.streams_max) {
    return reply->send_error(Error(Errc::kQuotaExceeded,
                                   "more than " + std::to_string(limits_.streams_max) + " streams",
                                   "ask another broker of the tree, or retry"));
  }
  auto made = stream_request(context_, request, *reply);
  if (!made) return;
  if (request.method == "HEAD") return reply->send({.content_type = "text/event-stream"});
  const auto number = next_number_++;
  auto stream = std::make_shared<RecordStream>(context_, counters_, std::move(made->source), reply);
  for (const auto& place : stream->source().places)
    readers_[{stream->source().history, place.partition}].insert(number);
  streams_.emplace(number, Open{.stream = stream});
  gauge_.set(static_cast<double>(streams_.size()));
  reply->on_gone([this, number] { close(number); });
  reply->on_drained([this, number] { drained(number); });
  stream->open(made->lost);
  want(number);
}

void RecordStreams::want(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end() || std::exchange(found->second.is_due, true)) return;
  due_.push_back(number);
  want_turn();
}

void RecordStreams::want_turn() {
  if (!std::exchange(is_turn_due_, true)) turn_end_.add([this] { pump_due(); });
}

void RecordStreams::pump_due() {
  is_turn_due_ = false;
  for (auto pieces = kTurnPiecesMax; pieces > 0 && !due_.empty(); --pieces) {
    const auto number = due_.front();
    due_.pop_front();
    const auto found = streams_.find(number);
    if (found == streams_.end()) continue;
    found->second.is_due = false;
    const auto stream = found->second.stream;  // a write may close it
    const auto state = stream->pump();
    if (state == RecordStream::State::kMore) want(number);
    if (state == RecordStream::State::kEnded) close(number);
  }
  if (!due_.empty()) want_turn();
}

void RecordStreams::drained(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  found->second.stream->drained();
  want(number);
}

void RecordStreams::close(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const auto& source = found->second.stream->source();
  for (const auto& place : source.places) {
    const auto readers = readers_.find({source.history, place.partition});
    readers->second.erase(number);
    if (readers->second.empty()) readers_.erase(readers);
  }
  streams_.erase(found);
  gauge_.set(static_cast<double>(streams_.size()));
}

void RecordStreams::end(std::uint64_t number, const Error& why) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const auto stream = found->second.stream;  // a write may close it
  stream->end(why);
  close(number);
}

void RecordStreams::on_partition_moved(const LogId& log) {
  const auto found = readers_.find(log);
  if (found == readers_.end()) return;
  for (const auto number : found->second) want(number);
}

void RecordStreams::on_topic_changed(const TopicDefinition& topic, bool removed) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, open] : streams_) {
    if (open.stream->source().history == topic.incarnation) numbers.push_back(number);
  }
  for (const auto number : numbers) {
    if (removed)
      end(number, no_longer_here(context_, topic.log(0), topic.name));
    else
      grow(number, topic);
  }
}

void RecordStreams::grow(std::uint64_t number, const TopicDefinition& topic) {
  const auto found = streams_.find(number);
  if (found == streams_.end() || !found->second.stream->source().is_whole_topic) return;
  auto& stream = *found->second.stream;
  for (auto p = static_cast<std::int32_t>(stream.source().places.size()); p < topic.partitions;
       ++p) {
    if (static_cast<std::size_t>(p) >= kStreamPartitionsMax)
      return end(number, Error(Errc::kUnavailable, "\"" + topic.name + "\" has outgrown the stream",
                               "name partitions: partition=0,1,2"));
    if (context_.partitions.find(topic.log(p)) == nullptr)
      return end(number, not_read_here(context_, topic, PartitionId(p)));
    stream.add(PartitionId(p));
    readers_[topic.log(p)].insert(number);
  }
  want(number);
}

void RecordStreams::beat() {
  std::vector<std::shared_ptr<RecordStream>> open;  // a write may close one
  open.reserve(streams_.size());
  for (const auto& [number, each] : streams_) open.push_back(each.stream);
  for (const auto& stream : open) stream->heartbeat();
}

}  // namespace xylem::broker
