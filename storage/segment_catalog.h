// <data>/meta.db: which segments there are, for whoever looks at a node with SQL instead of `ls`.
//
//   segments(topic, topic_id, generation, partition, base_offset, end_offset, bytes, sealed)
//
// A cache of what the files say, written behind the logs' back and never read by them. Missing,
// corrupt or of another version, it is made anew; a write that fails is logged and forgotten.
//
// Owns: the database and the thread that works on it. Threads: any.
#pragma once

#include "common/logger.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <memory>
#include <string>
#include <vector>

namespace xylem::storage {

// What is wrong with a meta.db. Errors: it cannot be opened at all.
Result<std::vector<std::string>> check_catalog(const std::string& path);

class SegmentCatalog {
 public:
  SegmentCatalog(std::string path, Logger& logger);  // no path: it keeps nothing
  ~SegmentCatalog();                                 // what was given is written
  SegmentCatalog(const SegmentCatalog&) = delete;
  SegmentCatalog& operator=(const SegmentCatalog&) = delete;

  // Forgets every log but these.
  void keep_only(std::vector<LogName> logs);

  // What the log has now.
  void set(const LogName& log, std::vector<SegmentInfo> segments);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::storage
