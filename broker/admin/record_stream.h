// One stream of records as server-sent events. Every event's id is the position behind it
// (stream_position.h): Last-Event-ID goes on exactly there.
//
//   event: open    data: {"topic","topicId","generation","partitions":[{"partition","next","start",
//                  "highWatermark"}]}, the first one
//   event: record  data: a record as in a page
//   event: gap     data: {"topic","partition","from","to","reason"}: [from, to) is gone, as GAP
//   says
//                  (network/protocol/messages.h)
//   event: reset   data: {"topic","lost"}: the position that was sent ("lost") is of another
//   history
//                  of the topic; what follows begins this one as `reset` says
//   event: end     data: {"code","detail","hint"}: nothing more comes: the topic was deleted, or a
//                  partition is not here any more, or cannot be read
//   : comments     heartbeats
//
// Partitions take turns, a piece each. It holds no records: what is not written yet is read again
// when the reader has taken what there was, so a slow one costs its cursors, and its connection up
// to kQueuedBytesMax (and one event).
//
// Threads: the loop's.
#pragma once

#include "broker/admin/record_walk.h"
#include "broker/admin/stream_position.h"
#include "broker/delivery/client_context.h"
#include "common/ids.h"
#include "common/metrics.h"
#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xylem::broker {

struct StreamCounters {
  Counter& records;
  Counter& gaps;
};

class RecordStream {
 public:
  static constexpr std::size_t kPieceBytes = 64ULL * 1024;
  static constexpr std::size_t kQueuedBytesMax = 256ULL * 1024;

  enum class State : std::uint8_t {
    kMore,
    kWaits,  // for records, the disk, or the reader
    kEnded,
  };

  struct Source {
    std::string topic;
    Incarnation history;
    std::vector<StreamPlace> places;  // ascending by partition
    bool is_whole_topic = false;
  };

  // `reply` has not been started yet.
  RecordStream(const ClientContext& context,
               StreamCounters counters,
               Source source,
               network::HttpReplyPtr reply);

  [[nodiscard]] const Source& source() const { return source_; }

  // Starts the answer. `lost`: the position of another history; empty: none was sent.
  void open(const std::string& lost);

  // Writes one piece, if there is anything and the reader has room.
  State pump();

  // The reader has taken all there was.
  void drained() { is_full_ = false; }

  // The topic has grown by it.
  void add(PartitionId partition);

  // The last event. Nothing may be called after it.
  void end(const Error& why);

  void heartbeat();

 private:
  Status fill(StreamPlace& place, std::string& piece);
  void tell_gap(StreamPlace& place, const Partition& partition, std::string& piece);
  void append(std::string_view event, std::string_view data, std::string& piece) const;
  void write(const std::string& piece);

  const ClientContext& context_;
  StreamCounters counters_;
  Source source_;
  network::HttpReplyPtr reply_;
  std::size_t turn_ = 0;
  bool is_full_ = false;
};

}  // namespace xylem::broker
