#include "storage/mmap_engine.h"

#include "storage/log_paths.h"

#include <limits>
#include <string_view>
#include <utility>

namespace xylem::storage {
namespace {

std::string below(std::string directory, std::string_view name) {
  directory += '/';
  directory += name;
  return directory;
}

}  // namespace

MmapEngine::MmapEngine(std::string data_dir,
                       std::shared_ptr<void> lock,
                       const EngineContext& context)
    : data_dir_(std::move(data_dir)),
      lock_(std::move(lock)),
      context_{context.loop,
               context.disk,
               context.clock,
               context.logger,
               StorageMetrics(context.metrics),
               SegmentCatalog(context.has_threads ? data_dir_ + "/meta.db" : "", context.logger),
               TailBudget(),
               MappedSegments(),
               std::make_shared<BlockPool>(),
               {},
               std::make_shared<bool>(true),
               Committer(context.loop,
                         context.clock,
                         context.has_threads ? Rounds::kByThread : Rounds::kByHand),
               ColdReaders(),
               Compactor(context.compaction),
               Scrubber({context.disk, context.clock, context_.metrics,
                         [this] { return context_.waiting_bytes.load() > 0; }},
                        {.bytes_per_s = context.scrub_bytes_per_s}),
               BackgroundWorker("salvager", context.has_threads)},
      trash_("trash", context.has_threads) {}

MmapEngine::~MmapEngine() { (void)close(); }

Result<std::unique_ptr<MmapEngine>> MmapEngine::open(const std::string& data_dir,
                                                     const EngineContext& context) {
  context.loop.check_here();
  auto& disk = context.disk;
  if (auto made = make_directories_durably(disk, data_dir + "/logs"); !made) return pass(made);
  auto lock = disk.lock(data_dir + "/lock");
  if (!lock) return pass(lock);
  std::unique_ptr<MmapEngine> engine(new MmapEngine(data_dir, std::move(*lock), context));
  auto has_trash = disk.exists(data_dir + "/trash");
  if (!has_trash) return pass(has_trash);
  if (*has_trash) engine->empty_trash();
  if (auto found = engine->find_logs(); !found) return pass(found);
  engine->context_.catalog.keep_only(engine->logs());
  return engine;
}

Status MmapEngine::find_logs() {
  context_.loop.check_here();
  auto topics = context_.disk.list(data_dir_ + "/logs");
  if (!topics) return pass(topics);
  for (const auto& topic : *topics) {
    if (auto found = find_partitions(topic); !found) return found;
  }
  return {};
}

Status MmapEngine::find_partitions(const std::string& topic_directory) {
  context_.loop.check_here();
  const auto topic = parse_topic_directory(topic_directory);
  if (!topic) return {};
  auto partitions = context_.disk.list(data_dir_ + "/logs/" + topic_directory);
  if (!partitions) return pass(partitions);
  for (const auto& name : *partitions) {
    const auto number = parse_number(name);
    if (!number || *number > std::numeric_limits<std::int32_t>::max()) continue;
    const LogId id{topic->incarnation, PartitionId(static_cast<std::int32_t>(*number))};
    names_[id] = {topic->topic, id};
  }
  return {};
}

std::string MmapEngine::directory_of_log(const LogName& name) const {
  return data_dir_ + "/logs/" + topic_directory(name) + "/" +
         std::to_string(name.id.partition.value());
}

Result<std::shared_ptr<PartitionLog>> MmapEngine::open(const LogName& name,
                                                       const LogOptions& options) {
  context_.loop.check_here();
  if (const auto known = logs_.find(name.id); known != logs_.end()) return known->second;
  if (auto good = check_topic_name(name.topic); !good) return pass(good);
  auto log = MmapLog::open(name, options, directory_of_log(name), context_);
  if (!log) return pass(log);
  names_[name.id] = name;
  logs_[name.id] = *log;
  return *log;
}

std::vector<LogName> MmapEngine::logs() const {
  context_.loop.check_here();
  std::vector<LogName> all;
  all.reserve(names_.size());
  for (const auto& [id, name] : names_) all.push_back(name);
  return all;
}

void MmapEngine::forget(const LogName& name) {
  context_.loop.check_here();
  context_.catalog.set(name, {});
  names_.erase(name.id);
}

// A log's directory that could not be emptied, or not yet, may have a number already.
Result<std::string> MmapEngine::free_trash_name() {
  context_.loop.check_here();
  for (;;) {
    auto name = data_dir_ + "/trash/" + std::to_string(trashed_++);
    auto taken = context_.disk.exists(name);
    if (!taken) return pass(taken);
    if (!*taken) return name;
  }
}

// File by file, so that closing waits for one of them only; the next start goes on.
void MmapEngine::empty_trash() {
  const auto task = [this, trash = data_dir_ + "/trash"] {
    auto& disk = context_.disk;
    const auto logs = disk.list(trash);
    if (!logs) return;
    for (const auto& log : *logs) {
      const auto directory = below(trash, log);
      const auto files = disk.list(directory).value_or(std::vector<std::string>());
      for (const auto& file : files) {
        if (trash_.is_stopping()) return;
        (void)disk.remove_all(below(directory, file));
      }
      if (auto gone = disk.remove_all(directory); !gone)
        context_.logger.warn("storage.trash_not_emptied", {{"error", gone.error().what()}});
    }
  };
  (void)trash_.submit(task);  // where too many wait, one of those sees this as well
}

// The files are moved out of the way first: a crash in between leaves trash, never half a log.
Status MmapEngine::remove(const LogId& id) {
  context_.loop.check_here();
  const auto known = names_.find(id);
  if (known == names_.end()) return fail(Errc::kNotFound, "no such log");
  const auto name = known->second;
  const auto directory = directory_of_log(name);
  if (const auto open = logs_.find(id); open != logs_.end()) {
    if (auto closed = open->second->retire(); !closed) return closed;
    logs_.erase(open);
  }
  auto there = context_.disk.exists(directory);
  if (!there) return pass(there);
  if (!*there) {
    forget(name);
    return {};
  }
  if (auto made = context_.disk.make_directories(data_dir_ + "/trash"); !made) return made;
  auto target = free_trash_name();
  if (!target) return pass(target);
  if (auto moved = context_.disk.rename(directory, *target); !moved) return moved;
  const auto topic = directory_of(directory);
  if (auto synced = context_.disk.sync_directory(topic); !synced) return synced;
  forget(name);
  if (const auto left = context_.disk.list(topic); left && left->empty()) {
    if (auto gone = context_.disk.remove_all(topic); !gone) return gone;
  }
  empty_trash();
  return {};
}

// A crash leaves one of the two names, and all of the log under it.
Status MmapEngine::carry_over(const LogName& name) {
  context_.loop.check_here();
  const auto known = earlier_generation(names_, name.id);
  if (known == names_.end()) return {};
  const auto earlier = known->second;
  if (const auto open = logs_.find(earlier.id); open != logs_.end()) {
    if (auto closed = open->second->hand_over(); !closed) return closed;
    logs_.erase(open);
  }
  if (auto moved = move_directory(directory_of_log(earlier), directory_of_log(name)); !moved)
    return moved;
  forget(earlier);
  names_[name.id] = name;
  return {};
}

// Also where an earlier attempt was broken off behind the rename.
Status MmapEngine::move_directory(const std::string& from, const std::string& to) const {
  auto& disk = context_.disk;
  const auto old_topic = directory_of(from);
  const auto topic = directory_of(to);
  if (auto made = make_directories_durably(disk, topic); !made) return made;
  auto there = disk.exists(from);
  if (!there) return pass(there);
  if (*there) {
    if (auto moved = disk.rename(from, to); !moved) return moved;
  }
  for (const auto& directory : {topic, old_topic}) {
    if (auto synced = disk.sync_directory(directory); !synced) return synced;
  }
  // An empty directory that stays harms nobody.
  if (const auto left = disk.list(old_topic); left && left->empty())
    (void)disk.remove_all(old_topic);
  return {};
}

Status MmapEngine::close() {
  context_.loop.check_here();
  context_.compactor.stop();
  context_.scrubber.stop();
  context_.salvager.stop();
  trash_.stop();
  Status result;
  for (const auto& [id, log] : logs_) {
    auto closed = log->close();
    if (!closed && result) result = closed;
  }
  logs_.clear();
  *context_.open = false;
  context_.committer.stop();
  return result;
}

}  // namespace xylem::storage
