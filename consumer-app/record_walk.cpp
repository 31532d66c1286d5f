#include "consumer-app/record_walk.h"

#include <algorithm>
#include <string>

namespace xylem::consumer_app {
namespace {

constexpr std::size_t kReadBytes = 1ULL * 1024 * 1024;

Status walk_batch(Bytes batch, const VisitRecord& visit) {
  auto reader = BatchReader::open(batch);
  if (!reader) return pass(reader);
  while (auto record = reader->next()) {
    if (!*record) return pass(*record);
    if (auto visited = visit(reader->header(), **record); !visited) return visited;
  }
  return {};
}

}  // namespace

Result<Offset> walk_batches(Bytes batches, const VisitRecord& visit) {
  Offset next;
  while (!batches.empty()) {
    const auto header = read_batch_header(batches);
    if (!header) return fail(Errc::kCorrupt, "run of batches: " + header.error().what());
    auto walked = header->is_control() ? Status() : walk_batch(batches.first(header->bytes), visit);
    if (!walked)
      return pass(walked, "batch at offset " + std::to_string(header->base_offset.value()));
    next = header->next_offset();
    batches = batches.subspan(header->bytes);
  }
  return next;
}

Result<Offset> walk_log(const storage::PartitionLog& log,
                        const Stretch& stretch,
                        const VisitStored& visit) {
  const Offset log_end = log.written_end();
  const Offset end = std::min(stretch.to, log_end);
  if (stretch.from >= end) return stretch.from;
  Offset at = std::max(stretch.from, log.start_offset());
  std::size_t bytes = 0;
  bool wanted = true;
  while (wanted && at < end && bytes < stretch.bytes_max) {
    auto read = log.read(at, std::min(kReadBytes, stretch.bytes_max - bytes), log_end);
    if (!read) return pass(read);
    if (read->slices.empty()) return end;
    for (const auto& slice : read->slices) {
      auto walked = walk_batches(slice.bytes, [&](const auto& header, const auto& record) {
        if (!wanted || record.offset < at || record.offset >= end) return Status();
        wanted = visit(header, record);
        at = record.offset + 1;
        return Status();
      });
      if (!walked) return pass(walked);
    }
    if (wanted) at = std::max(at, read->next);
    bytes += read->bytes;
  }
  return std::min(at, end);
}

}  // namespace xylem::consumer_app
