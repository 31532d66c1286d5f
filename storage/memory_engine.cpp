#include "storage/memory_engine.h"

#include <utility>

namespace xylem::storage {

MemoryEngine::MemoryEngine(const EngineContext& context)
    : loop_(context.loop), clock_(context.clock) {}

MemoryEngine::~MemoryEngine() = default;

Result<std::shared_ptr<PartitionLog>> MemoryEngine::open(const LogName& name,
                                                         const LogOptions& options) {
  loop_.check_here();
  auto& log = logs_[name.id];
  if (log == nullptr) log = std::make_shared<MemoryLog>(name, options, loop_, clock_);
  return log;
}

std::vector<LogName> MemoryEngine::logs() const {
  loop_.check_here();
  std::vector<LogName> names;
  names.reserve(logs_.size());
  for (const auto& [id, log] : logs_) names.push_back(log->name());
  return names;
}

Status MemoryEngine::remove(const LogId& id) {
  loop_.check_here();
  const auto found = logs_.find(id);
  if (found == logs_.end()) return fail(Errc::kNotFound, "no such log");
  auto closed = found->second->close();
  logs_.erase(found);
  return closed;
}

Status MemoryEngine::carry_over(const LogName& name) {
  loop_.check_here();
  const auto from = earlier_generation(logs_, name.id);
  if (from == logs_.end()) return {};
  auto log = std::move(from->second);
  logs_.erase(from);
  log->rename(name);
  logs_.emplace(name.id, std::move(log));
  return {};
}

Status MemoryEngine::close() {
  loop_.check_here();
  for (const auto& [id, log] : logs_) {
    if (auto closed = log->close(); !closed) return closed;
  }
  return {};
}

}  // namespace xylem::storage
