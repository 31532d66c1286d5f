#include "broker/admin/record_stream.h"

#include "broker/admin/partition_lookup.h"
#include "broker/delivery/delivery_gaps.h"
#include "common/batch/record_json.h"
#include "common/text_encoding.h"

#include <utility>

namespace xylem::broker {
namespace {

// How long a reader waits before it comes again, as it is asked to.
constexpr std::string_view kRetry = "retry: 1000\n";

std::string json_text(std::string_view text) {
  std::string json;
  append_json_string(text, json);
  return json;
}

std::string open_json(const ClientContext& context, const RecordStream::Source& source) {
  std::string json = R"({"topic":)" + json_text(source.topic) + R"(,"topicId":")" +
                     source.history.topic.text() + R"(","generation":)" +
                     std::to_string(source.history.generation) + R"(,"partitions":[)";
  for (const auto& place : source.places) {
    if (json.back() != '[') json += ',';
    json += R"({"partition":)" + std::to_string(place.partition.value()) + R"(,"next":)" +
            std::to_string(place.next.value());
    if (const auto* partition = context.partitions.find({source.history, place.partition})) {
      json += R"(,"start":)" + std::to_string(partition->log()->start_offset().value()) +
              R"(,"highWatermark":)" + std::to_string(partition->high_watermark().value());
    }
    json += '}';
  }
  return json + "]}";
}

}  // namespace

RecordStream::RecordStream(const ClientContext& context,
                           StreamCounters counters,
                           Source source,
                           network::HttpReplyPtr reply)
    : context_(context),
      counters_(counters),
      source_(std::move(source)),
      reply_(std::move(reply)) {}

void RecordStream::open(const std::string& lost) {
  reply_->start({.status = 200,
                 .content_type = "text/event-stream",
                 .headers = {{"cache-control", "no-store"}}});
  std::string piece(kRetry);
  append("open", open_json(context_, source_), piece);
  if (!lost.empty()) {
    append("reset",
           R"({"topic":)" + json_text(source_.topic) + R"(,"lost":)" + json_text(lost) + "}",
           piece);
  }
  write(piece);
}

RecordStream::State RecordStream::pump() {
  if (is_full_) return State::kWaits;
  std::string piece;
  Status readable;
  for (std::size_t i = 0; i < source_.places.size() && readable && piece.size() < kPieceBytes;
       ++i) {
    readable = fill(source_.places[turn_], piece);
    turn_ = (turn_ + 1) % source_.places.size();
  }
  const bool is_idle = piece.empty();
  if (!is_idle) write(piece);
  if (!readable) {
    end(readable.error());
    return State::kEnded;
  }
  return is_idle || is_full_ ? State::kWaits : State::kMore;
}

Status RecordStream::fill(StreamPlace& place, std::string& piece) {
  const LogId log{source_.history, place.partition};
  const auto* partition = context_.partitions.find(log);
  if (partition == nullptr) return std::unexpected(no_longer_here(context_, log, source_.topic));
  if (place.next < partition->log()->start_offset()) tell_gap(place, *partition, piece);
  RecordWalk walk(place.next);
  auto stop = walk.run(*partition, [&](const BatchHeader& header, const RecordView& record) {
    if (piece.size() >= kPieceBytes) return false;
    place.next = record.offset + 1;
    append("record", record_json(source_.topic, place.partition, header, record), piece);
    counters_.records.add();
    return true;
  });
  place.next = walk.next();
  if (!stop) return pass(stop);
  return {};
}

void RecordStream::tell_gap(StreamPlace& place, const Partition& partition, std::string& piece) {
  const auto gap = gap_at(partition, place.next);
  place.next = gap.to;
  append("gap",
         R"({"topic":)" + json_text(source_.topic) + R"(,"partition":)" +
             std::to_string(place.partition.value()) + R"(,"from":)" +
             std::to_string(gap.from.value()) + R"(,"to":)" + std::to_string(gap.to.value()) +
             R"(,"reason":")" + std::string(network::to_string(gap.reason)) + R"("})",
         piece);
  counters_.gaps.add();
}

void RecordStream::append(std::string_view event, std::string_view data, std::string& piece) const {
  network::append_sse_event(event, data, position_text(source_.history, source_.places), piece);
}

void RecordStream::write(const std::string& piece) {
  is_full_ = reply_->write(Slice::copy(bytes_of(piece))) > kQueuedBytesMax;
}

void RecordStream::add(PartitionId partition) { source_.places.push_back({partition, Offset(0)}); }

void RecordStream::end(const Error& why) {
  std::string piece;
  std::string json =
      R"({"code":)" + json_text(to_string(why.code())) + R"(,"detail":)" + json_text(why.what());
  if (!why.hint().empty()) json += R"(,"hint":)" + json_text(why.hint());
  append("end", json + "}", piece);
  write(piece);
  reply_->end();
}

void RecordStream::heartbeat() {
  if (!is_full_) write(": heartbeat\n\n");
}

}  // namespace xylem::broker
