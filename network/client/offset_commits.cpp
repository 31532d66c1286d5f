#include "network/client/offset_commits.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

Status OffsetCommits::add(const Place& where,
                          const Cursor& next,
                          Done done,
                          std::int64_t until_ms) {
  const auto [found, is_new] = partitions_.try_emplace(where, Partition{.newest = next});
  auto& partition = found->second;
  const bool is_other = partition.newest.incarnation != next.incarnation;
  if (!is_other && next.offset < partition.newest.offset) {
    return fail(Errc::kInvalidRequest,
                "offset " + std::to_string(next.offset.value()) + " is below " +
                    std::to_string(partition.newest.offset.value()) + ", committed before");
  }
  const bool is_old = !is_new && partition.newest == next;
  if (is_old && !done) return {};
  partition.newest = next;
  partition.is_due = true;
  if (done) partition.waiting.push_back({next, std::move(done), until_ms});
  return {};
}

std::vector<OffsetCommits::Commit> OffsetCommits::take_due() {
  std::vector<Commit> due;
  for (auto& [where, partition] : partitions_)
    if (std::exchange(partition.is_due, false)) due.push_back({where, partition.newest});
  return due;
}

bool OffsetCommits::is_waiting() const {
  return std::ranges::any_of(partitions_, [](const auto& one) {
    return one.second.is_due || !one.second.waiting.empty();
  });
}

bool OffsetCommits::is_refused(const Error& why) {
  return why.code() == Errc::kInvalidRequest || why.code() == Errc::kStaleGeneration ||
         why.code() == Errc::kQuotaExceeded;
}

bool OffsetCommits::settle(const Commit& sent, const Status& outcome) {
  auto& partition = partitions_.at(sent.where);
  if (!outcome && !is_refused(outcome.error())) {
    if (partition.newest == sent.next) partition.is_due = true;
    return false;
  }
  std::vector<Waiting> settled;
  std::erase_if(partition.waiting, [&](auto& one) {
    const bool is_same = one.next.incarnation == sent.next.incarnation;
    const bool is_it =
        outcome ? is_same && one.next.offset <= sent.next.offset : one.next == sent.next;
    if (is_it) settled.push_back(std::move(one));
    return is_it;
  });
  for (const auto& one : settled) one.done(outcome);
  return !outcome && settled.empty();
}

void OffsetCommits::expire(std::int64_t now_ms) {
  std::vector<Waiting> late;
  for (auto& [where, partition] : partitions_) {
    std::erase_if(partition.waiting, [&](auto& one) {
      if (one.until_ms > now_ms) return false;
      late.push_back(std::move(one));
      return true;
    });
  }
  for (const auto& one : late)
    one.done(fail(Errc::kTimeout, "the group's coordinator did not answer in time"));
}

}  // namespace xylem::network
