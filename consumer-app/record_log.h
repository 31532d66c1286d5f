// Every record as it came: one log per topic partition and incarnation, in the same format and
// engine as a broker's.
//
// It is written before the view; what a power cut takes from its tail is asked for again, since a
// restart goes on at min(log end, view cursor).
//
// Threads: the loop's; the logs that find() gives may be read by any.
// Errors: kDiskFull (try again later), kIo (a log is fenced until the process is started anew).
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/storage_engine.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace xylem::consumer_app {

struct StoredSegment {
  storage::LogName log;
  storage::SegmentInfo info;
};

struct TopicLog {
  PartitionId partition;
  std::shared_ptr<const storage::PartitionLog> log;
};

class RecordLog {
 public:
  // Opens every log that exists.
  static Result<RecordLog> open(storage::StorageEngine& engine, const storage::LogOptions& options);

  // Appends the batches of the run that start at or above the log's end; the others are there.
  // True: all of the run was appended.
  Result<bool> append(const storage::LogName& name, Bytes batches);

  // Told whenever more of a log can be read.
  void on_written(std::function<void()> written) { *written_ = std::move(written); }

  // Null: nothing was ever appended.
  [[nodiscard]] std::shared_ptr<const storage::PartitionLog> find(const LogId& id) const;

  // The logs of that incarnation, by partition.
  [[nodiscard]] std::vector<TopicLog> partitions(const Incarnation& incarnation) const;

  // Removes the topic's logs of every other incarnation.
  Status keep_only(const std::string& topic, const Incarnation& incarnation);

  [[nodiscard]] std::vector<StoredSegment> segments() const;
  [[nodiscard]] std::int64_t bytes() const;
  [[nodiscard]] Status health() const;

 private:
  RecordLog(storage::StorageEngine& engine, const storage::LogOptions& options)
      : engine_(&engine), options_(options) {}

  void watch(storage::PartitionLog& log) const;

  storage::StorageEngine* engine_;  // outlives this
  storage::LogOptions options_;
  std::map<LogId, std::shared_ptr<storage::PartitionLog>> logs_;
  std::shared_ptr<std::function<void()>> written_ = std::make_shared<std::function<void()>>();
};

}  // namespace xylem::consumer_app
