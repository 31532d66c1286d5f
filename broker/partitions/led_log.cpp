#include "broker/partitions/led_log.h"

#include "broker/partitions/read_records.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {

LedLog::LedLog(const Context& context, const Partition& partition, Hooks hooks)
    : context_(context),
      hooks_(std::move(hooks)),
      id_(partition.id()),
      epoch_(partition.epoch()),
      until_(partition.log()->end_offset()),
      next_part_(context.loop) {}

Partition* LedLog::leading() const {
  if (is_closed_) return nullptr;
  auto* partition = context_.partitions.find(id_);
  const bool is_ours =
      partition != nullptr && partition->is_leader() && partition->epoch() == epoch_;
  return is_ours ? partition : nullptr;
}

void LedLog::read_on() {
  auto* partition = leading();
  if (is_read_ || partition == nullptr || partition->high_watermark() < until_) return;
  const auto went_on = read_part(*partition);
  if (!went_on) {
    context_.logger.error(hooks_.unreadable, {{"partition", id_.partition.value()},
                                              {"at", cursor_.value()},
                                              {"error", went_on.error().what()}});
    return;
  }
  if (!*went_on) return;
  if (cursor_ < until_) return next_part_.start(0, 0, [this] { read_on(); });
  is_read_ = true;
  hooks_.ready();
}

// False: the disk is bringing it in, and the partition's observers hear of it.
Result<bool> LedLog::read_part(Partition& partition) {
  auto& log = *partition.log();
  cursor_ = std::max(cursor_, log.start_offset());
  if (cursor_ >= until_) return true;
  auto warm = log.warm_up(cursor_, kReadBytes);
  if (!warm || !*warm) return warm;
  auto next = read_records(log, cursor_, until_, kReadBytes, hooks_.take);
  if (!next) return pass(next);
  cursor_ = *next == cursor_ ? until_ : *next;  // compaction may have left nothing up there
  return true;
}

}  // namespace xylem::broker
