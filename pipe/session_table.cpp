#include "pipe/session_table.h"

#include <utility>

namespace xylem::pipe {

SessionTable::SessionTable(const Limits& limits, Random& random)
    : limits_(limits), random_(random) {}

SessionTable::Entry* SessionTable::find(std::uint64_t id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

SessionTable::Entry* SessionTable::find(std::uint64_t id, const NodeId& child) {
  auto* entry = find(id);
  return entry != nullptr && entry->session.child() == child ? entry : nullptr;
}

SessionTable::Entry* SessionTable::create(const NodeId& child, Asker asker, std::int64_t now_ms) {
  if (sessions_.size() >= limits_.sessions_max && !evict_oldest(nullptr)) return nullptr;
  std::uint64_t id = 0;
  while (id == 0 || sessions_.contains(id)) id = random_.next();
  const auto made =
      sessions_.emplace(id, Entry{.session = FetchSession(id, child, asker), .used_at_ms = now_ms});
  return &made.first->second;
}

bool SessionTable::list(Entry& entry, const FetchPartition& at) {
  if (!entry.session.has(at.log)) {
    while (partitions_ >= limits_.partitions_max) {
      if (!evict_oldest(&entry)) return false;
    }
    ++partitions_;
    listeners_[at.log].push_back(entry.session.id());
  }
  entry.session.list(at);
  return true;
}

void SessionTable::forget(Entry& entry, const LogId& log) {
  if (!entry.session.has(log)) return;
  entry.session.forget(log);
  stop_listening(entry.session.id(), log);
}

void SessionTable::drop(std::uint64_t id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  for (const auto& log : found->second.session.logs()) stop_listening(id, log);
  sessions_.erase(found);
}

void SessionTable::expire(std::int64_t since_ms) {
  std::vector<std::uint64_t> idle;
  for (const auto& [id, entry] : sessions_) {
    if (entry.waiting == 0 && entry.used_at_ms < since_ms) idle.push_back(id);
  }
  for (const auto id : idle) drop(id);
}

std::vector<std::uint64_t> SessionTable::listeners(const LogId& log) const {
  const auto found = listeners_.find(log);
  return found == listeners_.end() ? std::vector<std::uint64_t>() : found->second;
}

bool SessionTable::evict_oldest(const Entry* keep) {
  const Entry* oldest = nullptr;
  for (const auto& [id, entry] : sessions_) {
    if (entry.waiting != 0 || &entry == keep) continue;
    if (oldest == nullptr || entry.used_at_ms < oldest->used_at_ms) oldest = &entry;
  }
  if (oldest == nullptr) return false;
  drop(oldest->session.id());
  return true;
}

void SessionTable::stop_listening(std::uint64_t id, const LogId& log) {
  const auto found = listeners_.find(log);
  if (found == listeners_.end()) return;
  std::erase(found->second, id);
  if (found->second.empty()) listeners_.erase(found);
  --partitions_;
}

}  // namespace xylem::pipe
