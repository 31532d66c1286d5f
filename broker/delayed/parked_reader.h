// Brings parked records together from where they lie in the log: a part at a time, and never a page
// that is not in memory.
//
// Threads: the loop's.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace xylem::broker {

class ParkedReader {
 public:
  static constexpr std::size_t kPartBytes = 1ULL * 1024 * 1024;  // of batches, in one call
  static constexpr std::size_t kWarmBytes = 256ULL * 1024;

  enum class Progress : std::uint8_t {
    kDone,
    kMore,  // call again in another turn
    kCold,  // call again once the log has brought something in
    kHeld,  // `below` is not above some of them: damage that others make good, say
  };

  struct Found {
    Record record;  // as it was produced
    std::int64_t due_ms = 0;
  };

  explicit ParkedReader(std::vector<Offset> offsets);

  // Errors: as PartitionLog::read.
  Result<Progress> read_on(storage::PartitionLog& log, Offset below);

  // Once it is done. What is not there is not in the log.
  [[nodiscard]] const std::map<Offset, Found>& found() const { return found_; }

  // All that was found; after that nothing is.
  [[nodiscard]] std::map<Offset, Found> take_found() { return std::exchange(found_, {}); }

 private:
  void take(const RecordView& record);

  std::vector<Offset> wanted_;  // ascending
  std::size_t next_ = 0;
  std::map<Offset, Found> found_;
};

}  // namespace xylem::broker
