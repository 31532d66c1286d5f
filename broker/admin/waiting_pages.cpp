#include "broker/admin/waiting_pages.h"

#include "broker/admin/partition_lookup.h"

#include <iterator>
#include <utility>

namespace xylem::broker {

using network::HttpReplyPtr;
using network::HttpResponse;

void WaitingPages::answer(RecordPage page, std::uint64_t wait_ms, const HttpReplyPtr& reply) {
  Waiting waiting{.page = std::move(page),
                  .reply = reply,
                  .is_long_poll = wait_ms > 0,
                  .timer = std::make_unique<Timer>(context_.loop)};
  if (try_answer(waiting, false)) return;
  if (count_ >= kWaitingMax) {
    return reply->send_error(Error(
        Errc::kQuotaExceeded, "more than " + std::to_string(kWaitingMax) + " pages wait", "retry"));
  }
  wait(std::move(waiting), wait_ms);
}

// `is_over`: it has waited long enough for records.
bool WaitingPages::try_answer(Waiting& waiting, bool is_over) const {
  auto& page = waiting.page;
  const auto* partition = context_.partitions.find(page.log());
  if (partition == nullptr) {
    waiting.reply->send_error(no_longer_here(context_, page.log(), page.topic()));
    return true;
  }
  const auto filled = page.fill(*partition);
  if (!filled) {
    send_start_error(filled.error(), *partition, *waiting.reply);
    return true;
  }
  waiting.is_for_disk = *filled == RecordPage::Filled::kDisk;
  const bool may_be_empty = is_over || !waiting.is_long_poll;
  if (waiting.is_for_disk || (*filled == RecordPage::Filled::kEmpty && !may_be_empty)) return false;
  waiting.reply->send(HttpResponse::json(200, page.json(*partition)));
  return true;
}

void WaitingPages::wait(Waiting waiting, std::uint64_t wait_ms) {
  waiting.page.limit_bytes(kWaitedBytesMax);
  auto& group = groups_[waiting.page.log()];
  group.push_back(std::move(waiting));
  ++count_;
  const auto waits = std::prev(group.end());
  waits->reply->on_gone([this, waits] { erase(waits); });
  start_timer(waits, waits->is_for_disk ? kDiskWaitMs : wait_ms);
}

void WaitingPages::start_timer(Group::iterator waiting, std::uint64_t wait_ms) {
  waiting->timer->start(wait_ms, 0, [this, waiting] { time_is_over(waiting); });
}

void WaitingPages::time_is_over(Group::iterator waiting) {
  if (waiting->is_for_disk) {
    waiting->reply->send_error(
        Error(Errc::kTimeout, "the disk has not brought it in yet", "retry"));
  } else if (!try_answer(*waiting, true)) {
    return start_timer(waiting, kDiskWaitMs);
  }
  erase(waiting);
}

void WaitingPages::on_partition_moved(const LogId& log) {
  const auto found = groups_.find(log);
  if (found == groups_.end()) return;
  auto& group = found->second;
  for (auto next = group.begin(); next != group.end();) {
    const auto waiting = next++;
    const bool was_for_disk = waiting->is_for_disk;
    if (try_answer(*waiting, false)) {
      group.erase(waiting);
      --count_;
    } else if (waiting->is_for_disk && !was_for_disk) {
      start_timer(waiting, kDiskWaitMs);
    }
  }
  if (group.empty()) groups_.erase(found);
}

void WaitingPages::erase(Group::iterator waiting) {
  const auto group = groups_.find(waiting->page.log());
  Group gone;  // outlives the call that may come from its own timer
  gone.splice(gone.end(), group->second, waiting);
  --count_;
  if (group->second.empty()) groups_.erase(group);
}

}  // namespace xylem::broker
