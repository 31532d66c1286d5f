// Which copies could be made again from the record log, if the view's file were lost:
// <data>/origins.json.
//
//   CRC-32C of the rest, 8 hexadecimal digits, line feed, then JSON:
//   {"<topic>": {"topicId", "generation", "tag", "partitions": [[partition, begin, end], ...]}}
//
// A topic is there while its current copy is whole and every partition of it exact (view_store.h):
// then all of the log from `begin` on, which reaches at least to `end`, makes that copy. A refresh
// of the same history takes the topic out before its first record, since what the log then holds
// may have a gap.
//
// Durable on return. Errors: kIo, kDiskFull; kCorrupt: not what save_origins wrote.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "consumer-app/view_store.h"
#include "storage/disk.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace xylem::consumer_app {

inline constexpr std::size_t kOriginsBytesMax = 4ULL * 1024 * 1024;

struct LogPart {
  Offset begin;
  Offset end;  // the log reached at least to here when this was written
};

struct Origin {
  Incarnation incarnation;
  std::uint32_t tag = 0;
  std::map<PartitionId, LogPart> partitions;

  // The same copy, however far it has got since.
  [[nodiscard]] bool is_same(const Origin& other) const;
};

using Origins = std::map<std::string, Origin, std::less<>>;

[[nodiscard]] Origins origins_of(const Copies& copies);

// A file that is not there holds none.
Result<Origins> load_origins(storage::Disk& disk, const std::string& path);
Status save_origins(storage::Disk& disk, const std::string& path, const Origins& origins);

}  // namespace xylem::consumer_app
