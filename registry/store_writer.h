// Writes the service's and the refreshes' changes behind them: what gathered in kGatherMs is one
// transaction on a thread of its own. A write that fails is tried again with all that came later,
// and shown by /readyz; the registry itself goes on.
//
// Owns: the store, after its thread has ended on destruction, for one last write.
// Threads: the loop's.
#pragma once

#include "common/logger.h"
#include "common/loop.h"
#include "common/timer.h"
#include "common/worker.h"
#include "registry/node_store.h"
#include "registry/refresh/refresh_jobs.h"
#include "registry/registry_service.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace xylem::registry {

class StoreWriter {
 public:
  static constexpr std::uint64_t kGatherMs = 100;

  StoreWriter(Loop& loop,
              RegistryService& service,
              RefreshJobs& refreshes,
              NodeStore store,
              Logger& logger);
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // How the last write ended.
  [[nodiscard]] Status status() const;

 private:
  [[nodiscard]] bool has_changes() const;
  RegistryChanges take_changes();
  void give_back(const RegistryChanges& unwritten);
  void write();
  void finish(const RegistryChanges& changes, const Status& written);

  Loop& loop_;
  RegistryService& service_;
  RefreshJobs& refreshes_;
  Logger& logger_;
  NodeStore store_;  // the worker's while it lives
  Timer gather_;
  bool is_writing_ = false;
  std::optional<Error> failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<Worker> worker_ = std::make_unique<Worker>("registry-store");
};

}  // namespace xylem::registry
