#include "consumer-app/view_reader.h"

#include "common/bytes.h"
#include "common/sqlite.h"
#include "consumer-app/view_schema.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace xylem::consumer_app {
namespace {

constexpr std::int64_t kCacheKib = 4'096;

constexpr std::string_view kFind =
    "SELECT partition, offset, epoch, timestamp, headers, value FROM entries "
    "WHERE copy = (SELECT copy FROM copies WHERE topic = ?1 AND state = 0) AND key = ?2";

// Two statements, so that each scans just its range of the index.
constexpr std::string_view kKeysBelow =
    "SELECT key FROM entries WHERE copy = (SELECT copy FROM copies WHERE topic = ?1 AND state = 0) "
    "AND key >= ?2 AND key < ?4 ORDER BY key LIMIT ?3";
constexpr std::string_view kKeys =
    "SELECT key FROM entries WHERE copy = (SELECT copy FROM copies WHERE topic = ?1 AND state = 0) "
    "AND key >= ?2 ORDER BY key LIMIT ?3";

// The smallest byte string above all that start with `prefix`; nullopt: there is none.
std::optional<std::string> end_of(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace

class ViewReader::Impl {
 public:
  Impl(Database database, Statement find, Statement keys_below, Statement keys)
      : database_(std::move(database)),
        find_(std::move(find)),
        keys_below_(std::move(keys_below)),
        keys_(std::move(keys)) {}

  Result<Entry> find(std::string_view topic, std::string_view key) {
    auto row = find_.bind(1, topic).bind(2, bytes_of(key)).next();
    if (!row) return pass(row);
    if (!*row) return fail(Errc::kNotFound, "no such key");
    Entry entry{.partition = PartitionId(static_cast<std::int32_t>(find_.integer(0))),
                .offset = Offset(find_.integer(1)),
                .epoch = Epoch(static_cast<std::int32_t>(find_.integer(2))),
                .timestamp_ms = find_.integer(3),
                .headers = find_.is_null(4) ? "{}" : std::string(find_.text(4)),
                .value = std::string(text_of(find_.blob(5)))};
    find_.reset();
    return entry;
  }

  Result<std::vector<std::string>> keys(std::string_view topic, const KeyRange& range) {
    const auto end = end_of(range.prefix);
    std::string from(range.prefix);
    if (range.after && *range.after >= range.prefix) {
      from = *range.after;
      from += '\0';  // the next possible key
    }
    Statement& statement = end ? keys_below_ : keys_;
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
    if (auto begun = database_.execute("BEGIN"); !begun) return pass(begun);
    auto loaded = load_copies(database_);
    if (auto ended = database_.execute("COMMIT"); !ended) return pass(ended);
    return loaded;
  }

 private:
  Database database_;
  Statement find_;
  Statement keys_below_;
  Statement keys_;
};

Result<std::unique_ptr<ViewReader>> ViewReader::open(const std::string& path) {
  auto database = Database::open(
      path, {.sync = Database::Sync::kNormal, .read_only = true, .cache_kib = kCacheKib});
  if (!database) return pass(database, "open " + path);
  auto find = database->prepare(kFind);
  if (!find) return pass(find, "open " + path);
  auto keys_below = database->prepare(kKeysBelow);
  if (!keys_below) return pass(keys_below, "open " + path);
  auto keys = database->prepare(kKeys);
  if (!keys) return pass(keys, "open " + path);
  return std::unique_ptr<ViewReader>(new ViewReader(std::make_unique<Impl>(
      std::move(*database), std::move(*find), std::move(*keys_below), std::move(*keys))));
}

ViewReader::ViewReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ViewReader::~ViewReader() = default;

Result<Entry> ViewReader::find(std::string_view topic, std::string_view key) {
  return impl_->find(topic, key);
}

Result<std::vector<std::string>> ViewReader::keys(std::string_view topic, const KeyRange& range) {
  return impl_->keys(topic, range);
}

Result<Copies> ViewReader::copies() { return impl_->copies(); }

}  // namespace xylem::consumer_app
