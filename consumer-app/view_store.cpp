#include "consumer-app/view_store.h"

#include "common/batch/record_json.h"
#include "common/check.h"
#include "common/random.h"
#include "consumer-app/record_walk.h"
#include "consumer-app/view_origins.h"
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
    "INSERT INTO cursors(copy, partition, next, begin, exact) VALUES(?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT(copy, partition) DO UPDATE SET next=?3, begin=?4, exact=?5",
    "INSERT INTO copies(topic, state, refresh_id, topic_id, generation, whole, keys, records, tag) "
    "VALUES(?1, ?2, ?3, ?4, ?5, 0, 0, 0, ?6) RETURNING copy",
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

Offset at(const Cursors& cursors, PartitionId partition) {
  const auto found = cursors.find(partition);
  return found == cursors.end() ? Offset() : found->second;
}

// The log went on past `current` with what was sent for a shadow that is given up: compacted,
// perhaps, where `current` has yet to be told all.
void distrust_log(CopyState& current, const CopyState& shadow) {
  if (current.incarnation != shadow.incarnation) return;
  for (const auto& [partition, next] : shadow.cursors) {
    if (next > at(current.cursors, partition)) current.begins[partition].exact = false;
  }
}

// What the log held before the shadow's first record is as good as the shadow's own when `current`
// was made of it without a gap, and has got as far.
void trust_log_of(const CopyState& current, CopyState& shadow) {
  if (current.incarnation != shadow.incarnation) return;
  for (auto& [partition, begin] : shadow.begins) {
    const auto old = current.begins.find(partition);
    if (old == current.begins.end() || !old->second.exact || begin.at < old->second.at) continue;
    begin.exact = begin.exact || at(current.cursors, partition) >= at(shadow.cursors, partition);
  }
}

}  // namespace

class ViewStore::Impl {
 public:
  Impl(Database database,
       Statements statements,
       Copies copies,
       const Options& options,
       Origins origins)
      : database_(std::move(database)),
        sql_(std::move(statements)),
        copies_(std::move(copies)),
        disk_(options.disk),
        origins_path_(options.origins_path),
        origins_(std::move(origins)),
        random_(options.seed) {}

  [[nodiscard]] const Copies& copies() const { return copies_; }

  [[nodiscard]] std::int64_t records_applied() const { return records_applied_; }

  Status apply(std::span<const Change> changes) {
    if (auto withdrawn = withdraw_origins(changes); !withdrawn) return withdrawn;
    Copies next = copies_;
    const std::int64_t records_before = records_applied_;
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
    if (!done) {
      records_applied_ = records_before;
      return done;
    }
    copies_ = std::move(next);
    keep_origins();
    return done;
  }

  // A file that cannot be written now is tried with the next changes: until then a lost view is
  // built from the broker.
  void keep_origins() {
    Origins origins = origins_of(copies_);
    for (const auto& [topic, origin] : origins_) {
      if (is_lost(topic, origin)) origins.try_emplace(topic, origin);
    }
    if (std::ranges::equal(origins, origins_, [](const auto& left, const auto& right) {
          return left.first == right.first && left.second.is_same(right.second);
        }))
      return;
    if (save_origins(disk_, origins_path_, origins)) origins_ = std::move(origins);
  }

  Result<bool> drop_some(std::size_t entries_max);

 private:
  // Its copy is to be made again, or is being made.
  [[nodiscard]] bool is_lost(const std::string& topic, const Origin& origin) const {
    const auto found = copies_.find(topic);
    if (found == copies_.end() || !found->second.current) return true;
    const auto& current = *found->second.current;
    return !current.whole && current.tag == origin.tag && current.incarnation == origin.incarnation;
  }

  Status make(const ApplyBatches& change, Copies& copies);
  Status make(const BeginShadow& change, Copies& copies);
  Status make(const SwapIn& change, Copies& copies);
  Status make(const DiscardShadow& change, Copies& copies);
  Status make(const MarkWhole& change, Copies& copies);
  Status make(const RestoreCopy& change, Copies& copies);

  Status withdraw_origins(std::span<const Change> changes);
  Status put(PartitionId partition,
             CopyState& copy,
             const BatchHeader& header,
             const RecordView& record);
  Status remove(CopyState& copy, Bytes key);
  Result<CopyState> create(const std::string& topic,
                           CopyRow state,
                           const Incarnation& incarnation,
                           std::uint64_t refresh_id = 0,
                           std::optional<std::uint32_t> tag = std::nullopt);
  Status set_state(const CopyState& copy, CopyRow state);
  Status save(const CopyState& copy);

  Database database_;
  Statements sql_;
  Copies copies_;  // as committed
  storage::Disk& disk_;
  std::string origins_path_;
  Origins origins_;  // as the file has them
  Random random_;
  std::int64_t records_applied_ = 0;
};

// Before the first record of the shadow reaches the log: from then on the log may have a gap.
Status ViewStore::Impl::withdraw_origins(std::span<const Change> changes) {
  Origins left = origins_;
  for (const auto& change : changes) {
    const auto* begun = std::get_if<BeginShadow>(&change);
    if (begun == nullptr) continue;
    const auto found = left.find(begun->topic);
    if (found != left.end() && found->second.incarnation == begun->incarnation) left.erase(found);
  }
  if (left.size() == origins_.size()) return {};
  auto saved = save_origins(disk_, origins_path_, left);
  if (saved) origins_ = std::move(left);
  return saved;
}

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
  if (!target->cursors.contains(change.partition)) {
    const auto first = read_batch_header(change.batches.bytes);
    if (!first) return fail(Errc::kCorrupt, "run of batches: " + first.error().what());
    target->begins[change.partition] = {first->base_offset, change.is_new_in_log};
  }
  Offset& cursor = target->cursors[change.partition];
  auto next = walk_batches(change.batches.bytes, [&](const auto& header, const auto& record) {
    if (record.offset < cursor) return Status();
    ++target->records;
    ++records_applied_;
    if (!record.key) return Status();  // only the log keeps it
    return record.is_tombstone() ? remove(*target, *record.key)
                                 : put(change.partition, *target, header, record);
  });
  if (!next) return pass(next);
  cursor = std::max(cursor, *next);
  return {};
}

Status ViewStore::Impl::make(const BeginShadow& change, Copies& copies) {
  auto& [current, shadow] = copies[change.topic];
  if (shadow) {
    if (current) distrust_log(*current, *shadow);
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
    trust_log_of(*topic.current, *topic.shadow);
    if (auto dropped = set_state(*topic.current, kDroppedRow); !dropped) return dropped;
  }
  if (auto swapped = set_state(*topic.shadow, kCurrentRow); !swapped) return swapped;
  CopyState& current = topic.current.emplace(std::move(*topic.shadow));
  topic.shadow.reset();
  current.whole = true;
  for (const auto& [partition, offset] : change.barrier) {
    if (!current.cursors.contains(partition)) current.begins[partition] = {offset, true};
    Offset& cursor = current.cursors[partition];
    cursor = std::max(cursor, offset);
  }
  return {};
}

Status ViewStore::Impl::make(const DiscardShadow& change, Copies& copies) {
  auto& [current, shadow] = copies[change.topic];
  if (!shadow) return {};
  if (current) distrust_log(*current, *shadow);
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

Status ViewStore::Impl::make(const RestoreCopy& change, Copies& copies) {
  auto& current = copies[change.topic].current;
  if (current) return {};
  auto made = create(change.topic, kCurrentRow, change.incarnation, 0, change.tag);
  if (!made) return pass(made);
  current = std::move(*made);
  current->begins = change.begins;
  for (const auto& [partition, begin] : change.begins) current->cursors[partition] = begin.at;
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
                                          std::uint64_t refresh_id,
                                          std::optional<std::uint32_t> tag) {
  CopyState made;
  made.incarnation = incarnation;
  made.refresh_id = refresh_id;
  made.tag = tag.value_or(static_cast<std::uint32_t>(random_.next()));
  auto row = sql_.insert_copy.bind(1, topic)
                 .bind(2, std::int64_t{state})
                 .bind(3, std::bit_cast<std::int64_t>(refresh_id))
                 .bind(4, incarnation.topic.text())
                 .bind(5, std::int64_t{incarnation.generation})
                 .bind(6, std::int64_t{made.tag})
                 .next();
  if (!row) return pass(row);
  XYLEM_CHECK(*row);
  made.copy = sql_.insert_copy.integer(0);
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
    const auto found = copy.begins.find(partition);
    const Begin begin = found == copy.begins.end() ? Begin() : found->second;
    put = sql_.put_cursor.bind(1, copy.copy)
              .bind(2, std::int64_t{partition.value()})
              .bind(3, next.value())
              .bind(4, begin.at.value())
              .bind(5, std::int64_t{begin.exact})
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

Result<std::unique_ptr<ViewStore>> ViewStore::open(const std::string& path,
                                                   const Options& options) {
  auto database = Database::open(
      path, {.sync = Database::Sync::kNormal, .read_only = false, .cache_kib = kCacheKib});
  if (!database) return pass(database, "open " + path);
  if (auto made = create_view_schema(*database); !made) return pass(made, "open " + path);
  auto copies = load_copies(*database);
  if (!copies) return pass(copies, "open " + path);
  auto statements = prepare(*database);
  if (!statements) return pass(statements, "open " + path);
  auto origins = load_origins(options.disk, options.origins_path);
  if (!origins && origins.error().code() == Errc::kCorrupt) {  // it says nothing
    origins = Origins();
    if (auto saved = save_origins(options.disk, options.origins_path, *origins); !saved)
      return pass(saved, "open " + path);
  }
  if (!origins) return pass(origins, "open " + path);
  auto impl = std::make_unique<Impl>(std::move(*database), std::move(*statements),
                                     std::move(*copies), options, std::move(*origins));
  impl->keep_origins();
  return std::unique_ptr<ViewStore>(new ViewStore(std::move(impl)));
}

ViewStore::ViewStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ViewStore::~ViewStore() = default;

const Copies& ViewStore::copies() const { return impl_->copies(); }

std::int64_t ViewStore::records_applied() const { return impl_->records_applied(); }

Status ViewStore::apply(std::span<const Change> changes) { return impl_->apply(changes); }

Result<bool> ViewStore::drop_some(std::size_t entries_max) { return impl_->drop_some(entries_max); }

}  // namespace xylem::consumer_app
