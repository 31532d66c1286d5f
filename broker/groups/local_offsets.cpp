#include "broker/groups/local_offsets.h"

#include <string>
#include <string_view>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "group_offset";

}  // namespace

LocalOffsets::LocalOffsets(storage::StateStore& store)
    : store_(store),
      table_([this](const auto& changes, auto done) { write(changes, std::move(done)); }) {}

void LocalOffsets::load(std::function<void(Status)> done) {
  store_.scan(std::string(kKind), [this, done = std::move(done)](auto rows) {
    if (!rows) return done(pass(rows, "group offsets"));
    for (const auto& row : *rows) {
      const auto where = decode_key(row.key);
      const auto offset = decode_value(row.value);
      if (!where || !offset)
        return done(fail(Errc::kCorrupt, "a group offset in state.db is malformed"));
      table_.load(*where, offset);
    }
    done({});
  });
}

void LocalOffsets::write(const OffsetTable::Changes& changes, std::function<void(Status)> done) {
  std::vector<storage::StateRow> rows;
  rows.reserve(changes.size());
  std::vector<std::string> gone;
  for (const auto& [where, offset] : changes) {
    if (offset)
      rows.push_back({std::string(kKind), encode_key(where), encode_value(*offset)});
    else
      gone.push_back(encode_key(where));
  }
  if (gone.empty()) return store_.put_all(std::move(rows), std::move(done));
  store_.remove_all(std::string(kKind), std::move(gone),
                    [this, rows = std::move(rows), done = std::move(done)](const Status& removed) {
                      if (!removed || rows.empty()) return done(removed);
                      store_.put_all(rows, done);
                    });
}

}  // namespace xylem::broker
