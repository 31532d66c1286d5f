#include "broker/groups/offsets_log.h"

#include "broker/partitions/read_records.h"
#include "common/batch/batch_builder.h"
#include "common/batch/record.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::broker {
namespace {

void take(const RecordView& record, OffsetTable& table) {
  const auto where = record.key ? decode_key(text_of(*record.key)) : std::nullopt;
  if (!where) return;
  if (record.is_tombstone()) return table.load(*where, std::nullopt);
  if (const auto offset = decode_value(*record.value)) table.load(*where, *offset);
}

Result<Buffer> batch_of(const OffsetTable::Changes& changes, std::int64_t now_ms) {
  BatchBuilder builder;
  for (const auto& [where, offset] : changes) {
    Record record;
    record.key = encode_key(where);
    if (offset) record.value = std::string(text_of(encode_value(*offset)));
    record.timestamp_ms = now_ms;
    if (auto added = builder.add(record); !added) return pass(added);
  }
  return builder.build();
}

}  // namespace

OffsetsLog::OffsetsLog(const Context& context, const Partition& partition)
    : context_(context),
      id_(partition.id()),
      epoch_(partition.epoch()),
      until_(partition.log()->end_offset()),
      table_([this](const auto& changes, auto done) { write(changes, std::move(done)); }),
      next_part_(context.loop) {}

Partition* OffsetsLog::leading() const {
  auto* partition = context_.partitions.find(id_);
  const bool is_ours =
      partition != nullptr && partition->is_leader() && partition->epoch() == epoch_;
  return is_ours ? partition : nullptr;
}

bool OffsetsLog::is_current() const { return leading() != nullptr; }

void OffsetsLog::read_on() {
  auto* partition = leading();
  if (is_read_ || partition == nullptr || partition->high_watermark() < until_) return;
  const auto went_on = read_part(*partition);
  if (!went_on) {
    context_.logger.error("offsets.unreadable", {{"partition", id_.partition.value()},
                                                 {"at", cursor_.value()},
                                                 {"error", went_on.error().what()}});
    return;
  }
  if (!*went_on) return;
  is_read_ = cursor_ >= until_;
  if (!is_read_) return next_part_.start(0, 0, [this] { read_on(); });
  context_.logger.info("offsets.ready", {{"partition", id_.partition.value()},
                                         {"epoch", epoch_.value()},
                                         {"offsets", table_.durable().size()}});
}

// False: the disk is bringing it in, and the partition's observers hear of it.
Result<bool> OffsetsLog::read_part(Partition& partition) {
  auto& log = *partition.log();
  cursor_ = std::max(cursor_, log.start_offset());
  if (cursor_ >= until_) return true;
  auto warm = log.warm_up(cursor_, kReadBytes);
  if (!warm || !*warm) return warm;
  auto next = read_records(log, cursor_, until_, kReadBytes,
                           [this](const RecordView& record) { take(record, table_); });
  if (!next) return pass(next);
  cursor_ = *next == cursor_ ? until_ : *next;  // compaction may have left nothing up there
  return true;
}

void OffsetsLog::write(const OffsetTable::Changes& changes, std::function<void(Status)> done) {
  auto* partition = leading();
  if (partition == nullptr)
    return done(fail(Errc::kNotLeader, "another broker keeps the group's offsets now"));
  auto batch = batch_of(changes, context_.clock.wall_ms());
  if (!batch) return done(pass(batch));
  partition->append(*batch, Acks::kAll,
                    [self = shared_from_this(),
                     done = std::move(done)](const Result<Partition::Appended>& appended) {
                      done(appended ? Status() : std::unexpected(appended.error()));
                    });
}

}  // namespace xylem::broker
