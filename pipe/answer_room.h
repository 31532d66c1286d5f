// Memory for the answers of one link, used again while they are large: pages that are fresh cost
// more than what is copied into them.
//
// A room that is gone takes nothing back. Threads: any.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <memory>
#include <mutex>

namespace xylem::pipe {

class AnswerRoom : public std::enable_shared_from_this<AnswerRoom> {
 public:
  static constexpr std::size_t kLarge = 256ULL * 1024;  // an answer from here on
  static constexpr std::size_t kKeptMax = 8ULL * 1024 * 1024;

  // Empty; with the memory of the last answer, when that was large and is gone.
  [[nodiscard]] Buffer take();

  // The answer; its memory comes back with its last slice.
  [[nodiscard]] Slice lend(Buffer answer);

 private:
  void give_back(Buffer&& answer);

  std::mutex mutex_;
  Buffer spare_;  // under mutex_
};

}  // namespace xylem::pipe
