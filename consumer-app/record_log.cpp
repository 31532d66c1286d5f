#include "consumer-app/record_log.h"

#include "common/batch/batch.h"

#include <cstddef>
#include <utility>

namespace xylem::consumer_app {

Result<RecordLog> RecordLog::open(storage::StorageEngine& engine,
                                  const storage::LogOptions& options) {
  RecordLog opened(engine, options);
  for (const auto& name : engine.logs()) {
    auto log = engine.open(name, options);
    if (!log) return pass(log, "open the log of " + name.topic);
    opened.watch(**log);
    opened.logs_.emplace(name.id, std::move(*log));
  }
  return opened;
}

void RecordLog::watch(storage::PartitionLog& log) const {
  log.set_listener([told = std::weak_ptr(written_)] {
    const auto written = told.lock();
    if (written && *written) (*written)();
  });
}

Result<bool> RecordLog::append(const storage::LogName& name, Bytes batches) {
  auto& log = logs_[name.id];
  if (!log) {
    auto made = engine_->open(name, options_);
    if (!made) {
      logs_.erase(name.id);
      return pass(made, "open the log of " + name.topic);
    }
    log = std::move(*made);
    watch(*log);
  }
  bool is_all_new = true;
  while (!batches.empty()) {
    const auto header = read_batch_header(batches);
    if (!header) return fail(Errc::kCorrupt, "run of batches: " + header.error().what());
    if (header->base_offset >= log->end_offset()) {
      if (auto appended = log->append_as_is(batches); !appended) return pass(appended);
      return is_all_new;
    }
    is_all_new = false;
    batches = batches.subspan(header->bytes);
  }
  return is_all_new;
}

std::shared_ptr<const storage::PartitionLog> RecordLog::find(const LogId& id) const {
  const auto found = logs_.find(id);
  return found == logs_.end() ? nullptr : found->second;
}

std::vector<TopicLog> RecordLog::partitions(const Incarnation& incarnation) const {
  std::vector<TopicLog> found;
  for (const auto& [id, log] : logs_) {
    if (id.incarnation == incarnation) found.push_back({id.partition, log});
  }
  return found;
}

Status RecordLog::keep_only(const std::string& topic, const Incarnation& incarnation) {
  Status removed;
  for (auto log = logs_.begin(); log != logs_.end();) {
    const auto& name = log->second->name();
    if (name.topic != topic || name.id.incarnation == incarnation) {
      ++log;
      continue;
    }
    const LogId id = name.id;
    log = logs_.erase(log);
    if (auto gone = engine_->remove(id); !gone) removed = std::move(gone);
  }
  return removed;
}

std::vector<StoredSegment> RecordLog::segments() const {
  std::vector<StoredSegment> all;
  for (const auto& [id, log] : logs_) {
    for (auto& info : log->segments()) all.push_back({log->name(), std::move(info)});
  }
  return all;
}

std::int64_t RecordLog::bytes() const {
  std::int64_t sum = 0;
  for (const auto& [id, log] : logs_) sum += log->bytes();
  return sum;
}

Status RecordLog::health() const {
  for (const auto& [id, log] : logs_) {
    if (auto healthy = log->health(); !healthy) return healthy;
  }
  return {};
}

}  // namespace xylem::consumer_app
