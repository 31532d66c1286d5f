#include "consumer-app/view_store.h"

#include "common/batch/record_json.h"
#include "common/check.h"
#include "consumer-app/record_walk.h"
#include "consumer-app/view_schema.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::consumer_app {
namespace {

constexpr std::int64_t kCacheKib = 16'384;

struct Statements {
  Statement update;
  Statement insert;
  Statement remove;
  Statement put_cursor;
  Statement insert_copy;
  Statement put_copy;
  Statement set_state;
  Statement dropped_copy;
  Statement drop_entries;
  Statement drop_cursors;
  Statement drop_copy;
};

constexpr std::array<std::string_view, 11> kSql = {
    "UPDATE entries SET partition=?3, offset=?4, epoch=?5, timestamp=?6, headers=?7, value=?8 "
    "WHERE copy=?1 AND key=?2",
    "INSERT INTO entries(copy, key, partition, offset, epoch, timestamp, headers, value) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "DELETE FROM entries WHERE copy=?1 AND key=?2",
    "INSERT INTO cursors(copy, partition, next) VALUES(?1, ?2, ?3) "
    "ON CONFLICT(copy, partition) DO UPDATE SET next=?3",
    "INSERT INTO copies(topic, state, refresh_id, topic_id, generation, whole, keys, records) "
    "VALUES(?1, ?2, ?3, ?4, ?5, 0, 0, 0) RETURNING copy",
    "UPDATE copies SET whole=?2, keys=?3, records=?4 WHERE copy=?1",
    "UPDATE copies SET state=?2 WHERE copy=?1",
    "SELECT copy FROM copies WHERE state=2 LIMIT 1",
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE copy=?1 LIMIT ?2)",
    "DELETE FROM cursors WHERE copy=?1",
    "DELETE FROM copies WHERE copy=?1",
};

Result<Statements> prepare(Database& database) {
  std::vector<Statement> ready;
  for (const auto sql : kSql) {
    auto statement = database.prepare(sql);
    if (!statement) return pass(statement, sql);
    ready.push_back(std::move(*statement));
  }
  std::size_t next = 0;
  const auto take = [&] { return std::move(ready.at(next++)); };
  return Statements{take(), take(), take(), take(), take(), take(),
                    take(), take(), take(), take(), take()};  // braces: left to right
}

}  // namespace

class ViewStore::Impl {
 public:
  Impl(Database database, Statements statements, Copies copies)
      : database_(std::move(database)), sql_(std::move(statements)), copies_(std::move(copies)) {}

  [[nodiscard]] const Copies& copies() const { return copies_; }

  Status apply(std::span<const Change> changes) {
    Copies next = copies_;
    auto done = database_.transaction([&]() -> Status {
      for (const auto& change : changes) {
        auto applied = std::visit([&](const auto& one) { return make(one, next); }, change);
        if (!applied) return applied;
      }
      for (const auto& [topic, both] : next) {
        for (const auto* copy : {&both.current, &both.shadow}) {
          if (!copy->has_value()) continue;
          if (auto saved = save(**copy); !saved) return saved;
        }
      }
      return {};
    });
    if (done) copies_ = std::move(next);
    return done;
  }

  Result<bool> drop_some(std::size_t entries_max);

 private:
  Status make(const ApplyBatches& change, Copies& copies);
  Status make(const BeginShadow& change, Copies& copies);
  Status make(const SwapIn& change, Copies& copies);
  Status make(const DiscardShadow& change, Copies& copies);
  Status make(const MarkWhole& change, Copies& copies);

  Status put(PartitionId partition,
             CopyState& copy,
             const BatchHeader& header,
             const RecordView& record);
  Status remove(CopyState& copy, Bytes key);
  Result<CopyState> create(const std::string& topic,
                           CopyRow state,
                           const Incarnation& incarnation,
                           std::uint64_t refresh_id = 0);
  Status set_state(const CopyState& copy, CopyRow state);
  Status save(const CopyState& copy);

  Database database_;
  Statements sql_;
  Copies copies_;  // as committed
};

Status ViewStore::Impl::make(const ApplyBatches& change, Copies& copies) {
  auto& topic = copies[change.topic];
  auto& target = change.copy == Copy::kCurrent ? topic.current : topic.shadow;
  if (!target) {
    if (change.copy == Copy::kShadow) return {};
    auto made = create(change.topic, kCurrentRow, change.incarnation);
    if (!made) return pass(made);
    target = std::move(*made);
  }
  XYLEM_CHECK(target->incarnation == change.incarnation);
  Offset& cursor = target->cursors[change.partition];
  auto next = walk_batches(change.batches.bytes, [&](const auto& header, const auto& record) {
    if (record.offset < cursor) return Status();
    ++target->records;
    if (!record.key) return Status();  // only the log keeps it
    return record.is_tombstone() ? remove(*target, *record.key)
                                 : put(change.partition, *target, header, record);
  });
  if (!next) return pass(next);
  cursor = std::max(cursor, *next);
  return {};
}

Status ViewStore::Impl::make(const BeginShadow& change, Copies& copies) {
  auto& shadow = copies[change.topic].shadow;
  if (shadow) {
    if (auto dropped = set_state(*shadow, kDroppedRow); !dropped) return dropped;
    shadow.reset();
  }
  auto made = create(change.topic, kShadowRow, change.incarnation, change.refresh_id);
  if (!made) return pass(made);
  shadow = std::move(*made);
  return {};
}

Status ViewStore::Impl::make(const SwapIn& change, Copies& copies) {
  auto& topic = copies[change.topic];
  XYLEM_CHECK(topic.shadow.has_value());
  if (topic.current) {
    if (auto dropped = set_state(*topic.current, kDroppedRow); !dropped) return dropped;
  }
  if (auto swapped = set_state(*topic.shadow, kCurrentRow); !swapped) return swapped;
  CopyState& current = topic.current.emplace(std::move(*topic.shadow));
  topic.shadow.reset();
  current.whole = true;
  for (const auto& [partition, offset] : change.barrier) {
    Offset& cursor = current.cursors[partition];
    cursor = std::max(cursor, offset);
  }
  return {};
}

Status ViewStore::Impl::make(const DiscardShadow& change, Copies& copies) {
  auto& shadow = copies[change.topic].shadow;
  if (!shadow) return {};
  auto dropped = set_state(*shadow, kDroppedRow);
  shadow.reset();
  return dropped;
}

Status ViewStore::Impl::make(const MarkWhole& change, Copies& copies) {
  auto& current = copies[change.topic].current;
  if (!current) {
    auto made = create(change.topic, kCurrentRow, change.incarnation);
    if (!made) return pass(made);
    current = std::move(*made);
  }
  current->whole = true;
  return {};
}

Status ViewStore::Impl::put(PartitionId partition,
                            CopyState& copy,
                            const BatchHeader& header,
                            const RecordView& record) {
  const std::string headers = record.headers.empty() ? std::string() : headers_json(record.headers);
  const auto run = [&](Statement& statement) {
    statement.bind(1, copy.copy)
        .bind(2, *record.key)
        .bind(3, std::int64_t{partition.value()})
        .bind(4, record.offset.value())
        .bind(5, std::int64_t{header.epoch.value()})
        .bind(6, record.timestamp_ms)
        .bind(8, *record.value);
    if (headers.empty()) {
      statement.bind_null(7);
    } else {
      statement.bind(7, headers);
    }
    return statement.run();
  };
  if (auto updated = run(sql_.update); !updated) return updated;
  if (database_.changes() != 0) return {};
  ++copy.keys;
  return run(sql_.insert);
}

Status ViewStore::Impl::remove(CopyState& copy, Bytes key) {
  if (auto removed = sql_.remove.bind(1, copy.copy).bind(2, key).run(); !removed) return removed;
  copy.keys -= database_.changes();
  return {};
}

Result<CopyState> ViewStore::Impl::create(const std::string& topic,
                                          CopyRow state,
                                          const Incarnation& incarnation,
                                          std::uint64_t refresh_id) {
  auto row = sql_.insert_copy.bind(1, topic)
                 .bind(2, std::int64_t{state})
                 .bind(3, std::bit_cast<std::int64_t>(refresh_id))
                 .bind(4, incarnation.topic.text())
                 .bind(5, std::int64_t{incarnation.generation})
                 .next();
  if (!row) return pass(row);
  XYLEM_CHECK(*row);
  CopyState made;
  made.copy = sql_.insert_copy.integer(0);
  made.incarnation = incarnation;
  made.refresh_id = refresh_id;
  sql_.insert_copy.reset();
  return made;
}

Status ViewStore::Impl::set_state(const CopyState& copy, CopyRow state) {
  return sql_.set_state.bind(1, copy.copy).bind(2, std::int64_t{state}).run();
}

Status ViewStore::Impl::save(const CopyState& copy) {
  auto put = sql_.put_copy.bind(1, copy.copy)
                 .bind(2, std::int64_t{copy.whole})
                 .bind(3, copy.keys)
                 .bind(4, copy.records)
                 .run();
  if (!put) return put;
  for (const auto& [partition, next] : copy.cursors) {
    put = sql_.put_cursor.bind(1, copy.copy)
              .bind(2, std::int64_t{partition.value()})
              .bind(3, next.value())
              .run();
    if (!put) return put;
  }
  return {};
}

Result<bool> ViewStore::Impl::drop_some(std::size_t entries_max) {
  auto found = sql_.dropped_copy.next();
  if (!found || !*found) return found;
  const std::int64_t copy = sql_.dropped_copy.integer(0);
  sql_.dropped_copy.reset();
  const auto done = database_.transaction([&]() -> Status {
    auto removed =
        sql_.drop_entries.bind(1, copy).bind(2, static_cast<std::int64_t>(entries_max)).run();
    if (!removed || database_.changes() != 0) return removed;
    if (auto gone = sql_.drop_cursors.bind(1, copy).run(); !gone) return gone;
    return sql_.drop_copy.bind(1, copy).run();
  });
  if (!done) return std::unexpected(done.error());
  return true;  // the next call looks again
}

Result<std::unique_ptr<ViewStore>> ViewStore::open(const std::string& path) {
  auto database = Database::open(
      path, {.sync = Database::Sync::kNormal, .read_only = false, .cache_kib = kCacheKib});
  if (!database) return pass(database, "open " + path);
  if (auto made = create_view_schema(*database); !made) return pass(made, "open " + path);
  auto copies = load_copies(*database);
  if (!copies) return pass(copies, "open " + path);
  auto statements = prepare(*database);
  if (!statements) return pass(statements, "open " + path);
  return std::unique_ptr<ViewStore>(new ViewStore(
      std::make_unique<Impl>(std::move(*database), std::move(*statements), std::move(*copies))));
}

ViewStore::ViewStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ViewStore::~ViewStore() = default;

const Copies& ViewStore::copies() const { return impl_->copies(); }

Status ViewStore::apply(std::span<const Change> changes) { return impl_->apply(changes); }

Result<bool> ViewStore::drop_some(std::size_t entries_max) { return impl_->drop_some(entries_max); }

}  // namespace xylem::consumer_app
