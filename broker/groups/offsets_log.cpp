#include "broker/groups/offsets_log.h"

#include "common/batch/batch_builder.h"
#include "common/batch/record.h"

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
      table_([this](const auto& changes, auto done) { write(changes, std::move(done)); }, kRowsMax),
      log_({context.loop, context.logger, context.partitions},
           partition,
           {.take = [this](const RecordView& record) { take(record, table_); },
            .ready = [this] { say_ready(); },
            .unreadable = "offsets.unreadable"}) {}

void OffsetsLog::say_ready() {
  context_.logger.info("offsets.ready", {{"partition", log_.id().partition.value()},
                                         {"epoch", log_.epoch().value()},
                                         {"offsets", table_.durable().size()}});
}

void OffsetsLog::write(const OffsetTable::Changes& changes, std::function<void(Status)> done) {
  auto* partition = log_.leading();
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
