// Why a log does not take appends.
//
// Threads: any.
#pragma once

#include "common/result.h"

#include <atomic>
#include <mutex>
#include <optional>

namespace xylem::storage {

class LogHealth {
 public:
  // What an append must answer: the fence, or the full disk.
  [[nodiscard]] Status writable() const;

  [[nodiscard]] bool is_fenced() const noexcept { return fenced_.load(std::memory_order_acquire); }

  // The first one stays. True: this is the first.
  bool fence(const Error& error);

  // True: that is news.
  bool set_disk_full(const std::optional<Error>& error);

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> fenced_{false};
  std::atomic<bool> troubled_{false};  // fenced or full: ask under the mutex
  std::optional<Error> fence_;
  std::optional<Error> disk_full_;
};

}  // namespace xylem::storage
