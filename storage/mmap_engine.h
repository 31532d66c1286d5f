// The storage engine `mmap`: logs in files under a data directory that one process owns.
#pragma once

#include "storage/mmap_log.h"
#include "storage/storage_engine.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::storage {

class MmapEngine final : public StorageEngine {
 public:
  static Result<std::unique_ptr<MmapEngine>> open(const std::string& data_dir,
                                                  const EngineContext& context);

  ~MmapEngine() override;
  MmapEngine(const MmapEngine&) = delete;
  MmapEngine& operator=(const MmapEngine&) = delete;

  Result<std::shared_ptr<PartitionLog>> open(const LogName& name,
                                             const LogOptions& options) override;
  [[nodiscard]] std::vector<LogName> logs() const override;
  Status remove(const LogId& id) override;
  Status carry_over(const LogName& name) override;
  Status close() override;

  // Where the engine has no threads: writes and syncs what waits or is due, and posts what moved.
  void run_round() { context_.committer.run_round(); }

 private:
  MmapEngine(std::string data_dir, std::shared_ptr<void> lock, const EngineContext& context);

  void forget(const LogName& name);
  Result<std::string> free_trash_name();
  void empty_trash();
  Status find_logs();
  Status find_partitions(const std::string& topic_directory);
  [[nodiscard]] std::string directory_of_log(const LogName& name) const;
  Status move_directory(const std::string& from, const std::string& to) const;

  std::string data_dir_;
  std::shared_ptr<void> lock_;
  LogContext context_;
  std::map<LogId, LogName> names_ XYLEM_ON_LOOP(context_.loop);  // every log on disk or opened
  std::map<LogId, std::shared_ptr<MmapLog>> logs_ XYLEM_ON_LOOP(context_.loop);
  std::uint64_t trashed_ XYLEM_ON_LOOP(context_.loop) = 0;
  BackgroundWorker trash_;  // last: it uses the rest
};

}  // namespace xylem::storage
