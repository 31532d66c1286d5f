// GET /api/v1/topics/{name}/stream: the streams of records that are open at this broker.
//
//   ?partition=0,3    of the topic; absent: all of them, also those that it grows by
//   &from=, &reset=   as for a page (record_start.h), for every partition
//   Last-Event-ID:    goes on behind that event; `from` is not looked at
//
// In a turn of the loop each stream that has something to tell writes one piece, and all of them
// kTurnPiecesMax: what is left comes in the next turn, so that live consumers are not kept waiting.
//
// Limits: `streams_max` (more: kQuotaExceeded), kStreamPartitionsMax partitions a stream.
// Threads: the loop's.
#pragma once

#include "broker/admin/record_stream.h"
#include "broker/delivery/client_context.h"
#include "common/loop/turn_end.h"
#include "common/metrics.h"
#include "common/timer.h"
#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace xylem::broker {

class RecordStreams {
 public:
  static constexpr std::size_t kTurnPiecesMax = 16;

  struct Limits {
    std::size_t streams_max = 512;
    std::uint64_t heartbeat_ms = 15'000;
  };

  RecordStreams(const ClientContext& context, const Limits& limits);
  RecordStreams(const RecordStreams&) = delete;
  RecordStreams& operator=(const RecordStreams&) = delete;
  ~RecordStreams() = default;

  void open(const network::HttpRequest& request, const network::HttpReplyPtr& reply);

  void on_partition_moved(const LogId& log);
  void on_topic_changed(const TopicDefinition& topic, bool removed);

 private:
  struct Open {
    std::shared_ptr<RecordStream> stream;
    bool is_due = false;
  };

  void want(std::uint64_t number);
  void want_turn();
  void pump_due();
  void drained(std::uint64_t number);
  void end(std::uint64_t number, const Error& why);
  void close(std::uint64_t number);
  void grow(std::uint64_t number, const TopicDefinition& topic);
  void beat();

  const ClientContext& context_;
  Limits limits_;
  Gauge& gauge_;
  StreamCounters counters_;
  TurnEnd turn_end_;
  Timer heartbeat_;
  std::unordered_map<std::uint64_t, Open> streams_;
  std::unordered_map<LogId, std::set<std::uint64_t>> readers_;
  std::deque<std::uint64_t> due_;
  bool is_turn_due_ = false;
  std::uint64_t next_number_ = 0;
};

}  // namespace xylem::broker
