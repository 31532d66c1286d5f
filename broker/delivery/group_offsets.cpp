#include "broker/delivery/group_offsets.h"

#include "common/bytes.h"

#include <charconv>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "group_offset";
constexpr char kSeparator = '\n';  // no name may hold one
constexpr std::size_t kValueBytes = 8 + 16 + 4;

std::string key_of(const GroupPartition& where) {
  return where.group + kSeparator + where.topic + kSeparator +
         std::to_string(where.partition.value());
}

std::optional<GroupPartition> parse_key(std::string_view key) {
  const auto first = key.find(kSeparator);
  const auto last = key.rfind(kSeparator);
  if (first == std::string_view::npos || first == last) return std::nullopt;
  std::int32_t partition = 0;
  const auto digits = key.substr(last + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), partition);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return GroupPartition{std::string(key.substr(0, first)),
                        std::string(key.substr(first + 1, last - first - 1)),
                        PartitionId(partition)};
}

Buffer to_value(const CommittedOffset& offset) {
  Buffer value;
  append_be(offset.next.value(), value);
  append_be(offset.incarnation.topic.high(), value);
  append_be(offset.incarnation.topic.low(), value);
  append_be(offset.incarnation.generation, value);
  return value;
}

std::optional<CommittedOffset> parse_value(Bytes value) {
  if (value.size() != kValueBytes) return std::nullopt;
  return CommittedOffset{Offset(load_be<std::int64_t>(value)),
                         {TopicId::from_words(load_be<std::uint64_t>(value.subspan(8)),
                                              load_be<std::uint64_t>(value.subspan(16))),
                          load_be<std::uint32_t>(value.subspan(24))}};
}

Status check_group(const std::string& group) {
  if (group.empty() || group.size() > GroupOffsets::kGroupNameMax ||
      group.find(kSeparator) != std::string::npos)
    return fail(Errc::kInvalidRequest, "a group's name has 1 to 200 characters on one line");
  return {};
}

}  // namespace

GroupOffsets::GroupOffsets(storage::StateStore& store) : store_(store) {}

void GroupOffsets::load(std::function<void(Status)> done) {
  store_.scan(std::string(kKind), [this, done = std::move(done)](auto rows) {
    if (!rows) return done(pass(rows, "group offsets"));
    for (const auto& row : *rows) {
      const auto where = parse_key(row.key);
      const auto offset = parse_value(row.value);
      if (!where || !offset)
        return done(fail(Errc::kCorrupt, "a group offset in state.db is malformed"));
      committed_.insert_or_assign(*where, *offset);
    }
    done({});
  });
}

void GroupOffsets::commit(const GroupPartition& where,
                          const CommittedOffset& offset,
                          std::function<void(Status)> done) {
  if (auto good = check_group(where.group); !good) return done(good);
  const auto known = committed_.find(where);
  if (known != committed_.end() && known->second.incarnation == offset.incarnation) {
    if (offset.next == known->second.next) return done({});
    if (offset.next < known->second.next) {
      return done(fail(Errc::kInvalidRequest, "offset " + std::to_string(offset.next.value()) +
                                                  " is below the committed " +
                                                  std::to_string(known->second.next.value())));
    }
  }
  committed_.insert_or_assign(where, offset);
  dirty_.insert(where);
  waiting_.push_back(std::move(done));
  if (!writing_) write_dirty();
}

void GroupOffsets::write_dirty() {
  std::vector<storage::StateRow> rows;
  for (const auto& where : std::exchange(dirty_, {}))
    rows.push_back({std::string(kKind), key_of(where), to_value(committed_.at(where))});
  writing_ = true;
  store_.put_all(std::move(rows), [this, waiting = std::exchange(waiting_, {})](Status written) {
    writing_ = false;
    for (const auto& done : waiting) done(written);
    if (!dirty_.empty()) write_dirty();
  });
}

std::optional<CommittedOffset> GroupOffsets::find(const GroupPartition& where) const {
  const auto found = committed_.find(where);
  if (found == committed_.end()) return std::nullopt;
  return found->second;
}

std::vector<std::pair<GroupPartition, CommittedOffset>> GroupOffsets::all() const {
  return {committed_.begin(), committed_.end()};
}

}  // namespace xylem::broker
