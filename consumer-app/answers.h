// The JSON bodies of the query API, made from the view, the logs and the stream's state.
//
// Limits: a page ends at its `limit`, at kPageBytesMax of JSON, or when kScanBytesMax of a log were
// read; `next` says where to go on.
// Threads: any; a log may be appended to meanwhile. Errors: kNotFound, kIo, kCorrupt.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "consumer-app/record_log.h"
#include "consumer-app/topic_state.h"
#include "consumer-app/view_reader.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

inline constexpr std::size_t kPageBytesMax = 8ULL * 1024 * 1024;
inline constexpr std::size_t kScanBytesMax = 256ULL * 1024 * 1024;

// record_json.h's object.
std::string entry_json(std::string_view topic, std::string_view key, const Entry& entry);

// {"topic","keys":[...],"next"}: `next` is the `after` of the next page, null on the last one. A
// key that is not text is {"base64": "..."}; a `next` that no URL can hold, too (not UTF-8, or with
// a NUL): it is the `afterBase64` of the next page.
std::string keys_json(std::string_view topic,
                      const std::vector<std::string>& keys,
                      std::size_t limit);

struct OffsetRange {
  Offset from;
  Offset to;  // exclusive
  std::size_t limit = 0;
};

// The record at exactly `offset`; kNotFound: there is none (any more).
Result<std::string> record_at_json(std::string_view topic, const TopicLog& log, Offset offset);

// {"topic","partition","records":[...],"start","end","next"}; `next` is null when all was shown.
Result<std::string> range_json(std::string_view topic,
                               const TopicLog& log,
                               const OffsetRange& range);

// Where a history goes on: in the `index`-th of its logs.
struct HistoryPlace {
  std::size_t index = 0;
  Offset from;

  // "<index>:<offset>"; kInvalidRequest: not that.
  static Result<HistoryPlace> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

// Every stored record of `key`, oldest first in each partition:
// {"topic","key","records":[...],"next"}; `next` is the `after` of the next page or null.
Result<std::string> history_json(std::string_view topic,
                                 std::string_view key,
                                 const std::vector<TopicLog>& logs,
                                 const HistoryPlace& place,
                                 std::size_t limit);

struct LogSize {
  std::size_t segments = 0;
  std::int64_t bytes = 0;
};

// What the daemon does, beside what it holds.
struct Activity {
  bool connected = false;
  std::int64_t uptime_ms = 0;
  std::int64_t records_applied = 0;  // since the start
  std::size_t change_streams = 0;
  std::size_t snapshots = 0;
  std::map<std::string, std::int64_t> lag;  // by topic, in records
  std::map<std::string, Gaps> gaps;         // by topic
};

// {"keys","records","cursor":{topic:{partition:offset}},"segments","bytes", of the whole;
//  "connected","uptimeSeconds","appliedRecords","appliedPerSecond","changeStreams","snapshots";
//  "topics":{topic:{"keys","records","topicId","generation","whole","lag",
//                   "gaps","gapRecords","refresh":{"state","refreshId","records"}}}}
//
// "gaps" were told since the start, and "gapRecords" offsets were gone by them.
//
// A refresh's state is FILLING: there is no whole copy yet; REPLAYING: another copy is being filled
// beside it, and has so many records of the refresh with that id (0: begun by the daemon itself);
// SERVING: neither, and the id is that of the refresh which made the copy.
std::string stats_json(const std::vector<std::string>& topics,
                       const Copies& copies,
                       const LogSize& size,
                       const Activity& activity);

std::string segments_json(const std::vector<StoredSegment>& segments);

struct TopicHealth {
  std::string topic;
  bool whole = false;
  bool rebuilding = false;
  std::int64_t lag = 0;  // records
  std::string failure;   // why nothing of it is stored any more; empty: none
};

struct Health {
  bool connected = false;
  std::string failure;     // of the log or the view; empty: none
  std::string last_error;  // of the stream
  std::vector<TopicHealth> topics;

  // UNHEALTHY: cannot store. DEGRADED: serves what it has, which may be old or not yet whole.
  [[nodiscard]] std::string_view status() const;
  [[nodiscard]] bool is_ready() const;  // every topic has a whole copy
};

std::string health_json(const Health& health);

}  // namespace xylem::consumer_app
