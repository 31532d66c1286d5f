#include "consumer-app/view_reader.h"

#include "common/bytes.h"
#include "common/sqlite.h"
#include "consumer-app/view_schema.h"

#include <array>
#include <optional>
#include <utility>

namespace xylem::consumer_app {
namespace {

constexpr std::int64_t kCacheKib = 4'096;

constexpr std::string_view kWhole = "SELECT whole FROM copies WHERE topic = ?1 AND state = 0";

// CROSS JOIN keeps SQLite from looking through all entries first.
constexpr std::string_view kFind =
    "SELECT e.partition, e.offset, e.epoch, e.timestamp, e.headers, e.value, c.topic_id, "
    "c.generation FROM copies c CROSS JOIN entries e ON e.copy = c.copy "
    "WHERE c.topic = ?1 AND c.state = 0 AND e.key = ?2";

// Two statements, so that each scans just its range of the index.
constexpr std::string_view kKeysBelow =
    "SELECT key FROM entries WHERE copy = (SELECT copy FROM copies WHERE topic = ?1 AND state = 0) "
    "AND key >= ?2 AND key < ?4 ORDER BY key LIMIT ?3";
constexpr std::string_view kKeys =
    "SELECT key FROM entries WHERE copy = (SELECT copy FROM copies WHERE topic = ?1 AND state = 0) "
    "AND key >= ?2 ORDER BY key LIMIT ?3";

constexpr std::string_view kTagged =
    "SELECT copy, topic_id, generation FROM copies WHERE topic = ?1 AND state = 0 AND tag = ?2";
constexpr std::string_view kEntries =
    "SELECT partition, offset, epoch, timestamp, headers, value, key FROM entries "
    "WHERE copy = ?1 AND key >= ?2 ORDER BY key";

constexpr std::array kSql = {kWhole, kFind, kKeysBelow, kKeys, kTagged, kEntries};

// The smallest byte string above all that start with `prefix`; nullopt: there is none.
std::optional<std::string> end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

// The first key of a range.
std::string begin_of(std::string_view prefix, const std::optional<std::string_view>& after) {
  if (!after || *after < prefix) return std::string(prefix);
  return std::string(*after) + '\0';  // the next possible key
}

Result<Incarnation> incarnation_of(const Statement& row, int column) {
  const auto topic = TopicId::parse(row.text(column));
  if (!topic) return fail(Errc::kCorrupt, "view: a copy's topic id is none");
  return Incarnation{*topic, static_cast<std::uint32_t>(row.integer(column + 1))};
}

Entry entry_of(const Statement& row, const Incarnation& incarnation) {
  return {.incarnation = incarnation,
          .partition = PartitionId(static_cast<std::int32_t>(row.integer(0))),
          .offset = Offset(row.integer(1)),
          .epoch = Epoch(static_cast<std::int32_t>(row.integer(2))),
          .timestamp_ms = row.integer(3),
          .headers = row.is_null(4) ? "{}" : std::string(row.text(4)),
          .value = std::string(text_of(row.blob(5)))};
}

struct Statements {
  Statement whole;
  Statement find;
  Statement keys_below;
  Statement keys;
  Statement tagged;
  Statement entries;
};

}  // namespace

class ViewReader::Impl {
 public:
  Impl(Database database, Statements statements)
      : database_(std::move(database)), sql_(std::move(statements)) {}

  Status check_whole(std::string_view topic) {
    auto row = sql_.whole.bind(1, topic).next();
    if (!row) return pass(row);
    const bool is_whole = *row && sql_.whole.integer(0) != 0;
    sql_.whole.reset();
    if (is_whole) return {};
    return fail(Errc::kUnavailable, "the copy of " + std::string(topic) + " is not whole yet");
  }

  Result<Entry> find(std::string_view topic, std::string_view key) {
    auto row = sql_.find.bind(1, topic).bind(2, bytes_of(key)).next();
    if (!row) return pass(row);
    if (!*row) return fail(Errc::kNotFound, "no such key");
    auto incarnation = incarnation_of(sql_.find, 6);
    if (!incarnation) return pass(incarnation);
    Entry entry = entry_of(sql_.find, *incarnation);
    sql_.find.reset();
    return entry;
  }

  Result<std::vector<std::string>> keys(std::string_view topic, const KeyRange& range) {
    const auto end = end_of(range.prefix);
    const auto from = begin_of(range.prefix, range.after);
    Statement& statement = end ? sql_.keys_below : sql_.keys;
    statement.bind(1, topic)
        .bind(2, bytes_of(from))
        .bind(3, static_cast<std::int64_t>(range.limit));
    if (end) statement.bind(4, bytes_of(*end));
    std::vector<std::string> found;
    while (true) {
      auto row = statement.next();
      if (!row) return pass(row);
      if (!*row) return found;
      found.emplace_back(text_of(statement.blob(0)));
    }
  }

  Result<Copies> copies() {
    if (auto begun = begin(); !begun) return pass(begun);
    auto loaded = load_copies(database_);
    if (auto ended = end(); !ended) return pass(ended);
    return loaded;
  }

  Result<bool> walk(const EntryRange& range, const VisitEntry& visit) {
    if (auto begun = begin(); !begun) return pass(begun);
    auto walked = walk_here(range, visit);
    sql_.entries.reset();
    sql_.tagged.reset();
    if (auto ended = end(); !ended) return pass(ended);
    return walked;
  }

  Status hold() {
    if (auto begun = begin(); !begun) return begun;
    is_held_ = true;
    auto looked = sql_.whole.bind(1, std::string_view()).next();  // the moment is the first read
    if (!looked) return pass(looked);
    return {};
  }

 private:
  Status begin() { return is_held_ ? Status() : database_.execute("BEGIN"); }

  Status end() { return is_held_ ? Status() : database_.execute("COMMIT"); }

  Result<bool> walk_here(const EntryRange& range, const VisitEntry& visit) {
    auto copy = sql_.tagged.bind(1, range.topic).bind(2, std::int64_t{range.tag}).next();
    if (!copy) return pass(copy);
    if (!*copy) return fail(Errc::kNotFound, "another copy has taken its place");
    const auto incarnation = incarnation_of(sql_.tagged, 1);
    if (!incarnation) return std::unexpected(incarnation.error());
    const auto from = begin_of(range.prefix, range.after);
    sql_.entries.bind(1, sql_.tagged.integer(0)).bind(2, bytes_of(from));
    while (true) {
      auto row = sql_.entries.next();
      if (!row) return pass(row);
      if (!*row) return true;
      const auto key = text_of(sql_.entries.blob(6));
      if (!key.starts_with(range.prefix)) return true;  // they come first, from `from` on
      if (!visit(key, entry_of(sql_.entries, *incarnation))) return false;
    }
  }

  Database database_;
  Statements sql_;
  bool is_held_ = false;
};

Result<std::unique_ptr<ViewReader>> ViewReader::open(const std::string& path) {
  auto database = Database::open(
      path, {.sync = Database::Sync::kNormal, .read_only = true, .cache_kib = kCacheKib});
  if (!database) return pass(database, "open " + path);
  std::vector<Statement> ready;
  for (const auto sql : kSql) {
    auto statement = database->prepare(sql);
    if (!statement) return pass(statement, "open " + path);
    ready.push_back(std::move(*statement));
  }
  std::size_t next = 0;
  const auto take = [&] { return std::move(ready.at(next++)); };
  Statements statements{take(), take(), take(), take(), take(), take()};  // braces: left to right
  return std::unique_ptr<ViewReader>(
      new ViewReader(std::make_unique<Impl>(std::move(*database), std::move(statements))));
}

ViewReader::ViewReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ViewReader::~ViewReader() = default;

Status ViewReader::check_whole(std::string_view topic) { return impl_->check_whole(topic); }

Result<Entry> ViewReader::find(std::string_view topic, std::string_view key) {
  return impl_->find(topic, key);
}

Result<std::vector<std::string>> ViewReader::keys(std::string_view topic, const KeyRange& range) {
  return impl_->keys(topic, range);
}

Result<Copies> ViewReader::copies() { return impl_->copies(); }

Result<bool> ViewReader::walk(const EntryRange& range, const VisitEntry& visit) {
  return impl_->walk(range, visit);
}

Status ViewReader::hold() { return impl_->hold(); }

}  // namespace xylem::consumer_app
