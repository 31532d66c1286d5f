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
      durable_.insert_or_assign(*where, *offset);
    }
    done({});
  });
}

void GroupOffsets::commit(const GroupPartition& where,
                          const CommittedOffset& offset,
                          std::function<void(Status)> done) {
  if (auto good = check_group(where.group); !good) return done(good);
  const auto known = find(where);
  if (known && known->incarnation == offset.incarnation) {
    const bool is_durable = !accepted_.contains(where) && !writing_.contains(where);
    if (offset.next == known->next && is_durable) return done({});
    if (offset.next < known->next) {
      return done(fail(Errc::kInvalidRequest, "offset " + std::to_string(offset.next.value()) +
                                                  " is below the committed " +
                                                  std::to_string(known->next.value())));
    }
  }
  accepted_.insert_or_assign(where, offset);
  waiting_.push_back(std::move(done));
  if (writing_.empty()) write_accepted();
}

void GroupOffsets::write_accepted() {
  writing_ = std::exchange(accepted_, {});
  std::vector<storage::StateRow> rows;
  rows.reserve(writing_.size());
  for (const auto& [where, offset] : writing_)
    rows.push_back({std::string(kKind), key_of(where), to_value(offset)});
  store_.put_all(std::move(rows),
                 [this, waiting = std::exchange(waiting_, {})](const Status& written) {
                   const auto wrote = std::exchange(writing_, {});
                   if (written)
                     for (const auto& [where, offset] : wrote)
                       durable_.insert_or_assign(where, offset);
                   for (const auto& done : waiting) done(written);
                   if (writing_.empty() && !accepted_.empty()) write_accepted();
                 });
}

std::optional<CommittedOffset> GroupOffsets::find(const GroupPartition& where) const {
  for (const auto* offsets : {&accepted_, &writing_, &durable_}) {
    if (const auto found = offsets->find(where); found != offsets->end()) return found->second;
  }
  return std::nullopt;
}

std::vector<std::pair<GroupPartition, CommittedOffset>> GroupOffsets::all() const {
  return {durable_.begin(), durable_.end()};
}

}  // namespace xylem::broker
