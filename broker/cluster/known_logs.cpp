#include "broker/cluster/known_logs.h"

#include <charconv>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "replica_log";
constexpr std::size_t kUuidDigits = 32;

template <class Number>
bool take(std::string_view& text, Number& number) {
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return true;
}

}  // namespace

std::string known_log_key(const LogId& log) {
  return log.incarnation.topic.text() + " " + std::to_string(log.incarnation.generation) + " " +
         std::to_string(log.partition.value());
}

std::optional<LogId> known_log_of(std::string_view key) {
  const auto topic = Uuid::parse(key.substr(0, kUuidDigits));
  if (!topic) return std::nullopt;
  auto left = key.substr(kUuidDigits);
  std::uint32_t generation = 0;
  std::int32_t partition = 0;
  if (!take(left, generation) || !take(left, partition) || !left.empty() || partition < 0)
    return std::nullopt;
  return LogId{{*topic, generation}, PartitionId(partition)};
}

KnownLogs::KnownLogs(Loop& loop, storage::StateStore& store, Logger& logger)
    : store_(store), logger_(logger), turn_end_(loop), alive_(std::make_shared<const bool>(true)) {}

void KnownLogs::load(std::function<void(Status)> done) {
  store_.scan(std::string(kKind), [this, done = std::move(done)](auto rows) {
    if (!rows) return done(pass(rows, "the replicas' logs"));
    for (const auto& row : *rows) {
      const auto log = known_log_of(row.key);
      if (!log) return done(fail(Errc::kCorrupt, "a replica's log in state.db is malformed"));
      all_.insert(*log);
    }
    done({});
  });
}

void KnownLogs::add(const LogId& log) {
  if (!all_.insert(log).second) return;
  if (unwritten_.empty()) turn_end_.add([this] { write(); });
  unwritten_.insert(log);
}

void KnownLogs::write() {
  std::vector<storage::StateRow> rows;
  rows.reserve(unwritten_.size());
  for (const auto& log : std::exchange(unwritten_, {}))
    rows.push_back({std::string(kKind), known_log_key(log), {}});
  store_.put_all(std::move(rows), [this, alive = std::weak_ptr(alive_)](const Status& written) {
    if (alive.expired() || written) return;
    logger_.error("replica.not_noted",
                  {{"error", written.error().what()}, {"hint", "mend the disk and restart"}});
  });
}

void KnownLogs::remove(const LogId& log) {
  if (all_.erase(log) == 0) return;
  unwritten_.erase(log);
  store_.remove(std::string(kKind), known_log_key(log), [](const Status&) {});  // harmless if kept
}

}  // namespace xylem::broker
