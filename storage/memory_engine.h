// The storage engine `memory`: logs that go with the process.
#pragma once

#include "storage/memory_log.h"
#include "storage/storage_engine.h"

#include <map>
#include <memory>
#include <vector>

namespace xylem::storage {

class MemoryEngine final : public StorageEngine {
 public:
  explicit MemoryEngine(const EngineContext& context);
  ~MemoryEngine() override;
  MemoryEngine(const MemoryEngine&) = delete;
  MemoryEngine& operator=(const MemoryEngine&) = delete;

  Result<std::shared_ptr<PartitionLog>> open(const LogName& name,
                                             const LogOptions& options) override;
  [[nodiscard]] std::vector<LogName> logs() const override;
  Status remove(const LogId& id) override;
  Status carry_over(const LogName& name) override;
  Status close() override;

 private:
  Loop& loop_;
  const Clock& clock_;
  std::map<LogId, std::shared_ptr<MemoryLog>> logs_ XYLEM_ON_LOOP(loop_);
};

}  // namespace xylem::storage
