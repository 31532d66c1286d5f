#include "pipe/answer_room.h"

#include <utility>

namespace xylem::pipe {

Buffer AnswerRoom::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(spare_, {});
}

Slice AnswerRoom::lend(Buffer answer) {
  const std::shared_ptr<Buffer> owned(new Buffer(std::move(answer)),
                                      [room = weak_from_this()](Buffer* lent) {
                                        const std::unique_ptr<Buffer> gone(lent);
                                        if (const auto still = room.lock())
                                          still->give_back(std::move(*gone));
                                      });
  return {.owner = owned, .bytes = *owned};
}

void AnswerRoom::give_back(Buffer&& answer) {
  if (answer.size() < kLarge || answer.capacity() > kKeptMax) return;
  answer.clear();
  const std::lock_guard lock(mutex_);
  if (answer.capacity() > spare_.capacity()) spare_ = std::move(answer);
}

}  // namespace xylem::pipe
