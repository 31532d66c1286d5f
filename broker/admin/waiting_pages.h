// Pages that cannot be answered yet: their records are not there (long poll), or still on the disk.
//
// Limits: kWaitingMax pages (more: kQuotaExceeded), which hold kWaitedBytesMax each when they go; a
// page of records that are there waits kDiskWaitMs for the disk (then kTimeout). Threads: the
// loop's.
#pragma once

#include "broker/admin/record_page.h"
#include "broker/delivery/client_context.h"
#include "common/timer.h"
#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

namespace xylem::broker {

class WaitingPages {
 public:
  static constexpr std::size_t kWaitingMax = 1'000;
  static constexpr std::uint64_t kDiskWaitMs = 10'000;
  static constexpr std::size_t kWaitedBytesMax = 128ULL * 1024;  // many may go at the same moment

  explicit WaitingPages(const ClientContext& context) : context_(context) {}

  WaitingPages(const WaitingPages&) = delete;
  WaitingPages& operator=(const WaitingPages&) = delete;
  ~WaitingPages() = default;

  // At once where that is possible; for records that are not there yet it waits up to `wait_ms`.
  void answer(RecordPage page, std::uint64_t wait_ms, const network::HttpReplyPtr& reply);

  void on_partition_moved(const LogId& log);

 private:
  struct Waiting {
    RecordPage page;
    network::HttpReplyPtr reply;
    bool is_long_poll = false;
    std::unique_ptr<Timer> timer;
    bool is_for_disk = false;
  };

  using Group = std::list<Waiting>;  // of one partition

  [[nodiscard]] bool try_answer(Waiting& waiting, bool is_over) const;
  void wait(Waiting waiting, std::uint64_t wait_ms);
  void start_timer(Group::iterator waiting, std::uint64_t wait_ms);
  void time_is_over(Group::iterator waiting);
  void erase(Group::iterator waiting);

  const ClientContext& context_;
  std::unordered_map<LogId, Group> groups_;
  std::size_t count_ = 0;
};

}  // namespace xylem::broker
