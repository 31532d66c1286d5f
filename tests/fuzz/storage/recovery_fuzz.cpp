// A log whose files hold any bytes: it opens, and every byte it then serves passes its checks.
//
// Input: [bytes of the first segment u16][of its index u16][of `synced` u8] and these files one
// after the other; what is left is the second segment.
#include "common/batch/batch.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/metrics.h"
#include "storage/log_files.h"
#include "tests/support/memory_disk.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

namespace xylem::storage {
namespace {

Buffer take(Bytes& left, std::size_t count) {
  const auto part = left.first(std::min(count, left.size()));
  left = left.subspan(part.size());
  return {part.begin(), part.end()};
}

void read_all(const LogView& view) {
  constexpr Offset kAll(std::numeric_limits<std::int64_t>::max());
  const auto picture = view.load();
  for (auto cursor = picture->start;;) {
    const auto read = read_picture(*picture, {cursor, 4'096, std::min(kAll, picture->written())});
    if (!read || read->bytes == 0) return;
    for (const auto& slice : read->slices) {
      for (auto bytes = slice.bytes; !bytes.empty();) {
        const auto batch = check_batch(bytes);
        XYLEM_CHECK(batch.has_value());
        bytes = bytes.subspan(batch->bytes);
      }
    }
    XYLEM_CHECK(read->next > cursor);
    cursor = read->next;
  }
}

void recover(Bytes input) {
  testing::MemoryDisk disk;
  Metrics metrics;
  const StorageMetrics counters(metrics);
  const ManualClock clock;
  if (input.size() < 5) return;
  const std::size_t log_bytes = load_be<std::uint16_t>(input);
  const std::size_t index_bytes = load_be<std::uint16_t>(input.subspan(2));
  const auto synced_bytes = std::to_integer<std::size_t>(input[4]);
  input = input.subspan(5);
  const auto put = [&](const std::string& name, Buffer content) {
    if (!content.empty()) disk.files["d/" + name] = std::make_shared<Buffer>(std::move(content));
  };
  put("00000000000000000000.log", take(input, log_bytes));
  put("00000000000000000000.index", take(input, index_bytes));
  put("synced", take(input, synced_bytes));
  put("00000000000000000100.log", take(input, input.size()));

  LogView view;
  LogFiles files({disk, Logger::none(), counters, "d"}, clock, view);
  const auto found = files.recover();
  XYLEM_CHECK(found.has_value());
  XYLEM_CHECK(view.load()->start <= found->end);
  read_all(view);
}

}  // namespace
}  // namespace xylem::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xylem::storage::recover({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
