#include "broker/catalog/topics_log.h"

#include "broker/partitions/read_records.h"
#include "common/batch/batch_builder.h"
#include "common/batch/record.h"

#include <algorithm>

namespace xylem::broker {
namespace {

constexpr std::size_t kReadBytes = 256ULL * 1024;

}  // namespace

Result<Offset> read_topic_changes(const storage::PartitionLog& log,
                                  Offset from,
                                  Offset below,
                                  const std::function<void(const TopicChange&)>& each) {
  from = std::max(from, log.start_offset());
  while (from < below) {
    const auto next = read_records(log, from, below, kReadBytes, [&](const RecordView& record) {
      if (!record.key) return;
      TopicChange change{std::string(text_of(*record.key)), std::nullopt};
      if (!record.is_tombstone()) change.json = std::string(text_of(*record.value));
      each(change);
    });
    if (!next) return next;
    if (*next == from)
      return fail(Errc::kCorrupt, "no batch at offset " + std::to_string(from.value()));
    from = *next;
  }
  return from;
}

Result<Buffer> batch_of_changes(const std::vector<TopicChange>& changes, std::int64_t now_ms) {
  BatchBuilder builder;
  for (const auto& change : changes) {
    Record record;
    record.key = change.name;
    record.value = change.json;
    record.timestamp_ms = now_ms;
    if (auto added = builder.add(record); !added) return pass(added);
  }
  return builder.build();
}

}  // namespace xylem::broker
