// Runs tasks when the loop has finished what it is doing, before it waits for anything.
//
// It lets streams gather what is sent in one turn, and events come after the call that caused them.
// What sends runs after all other work, so that what a turn has brought about leaves in that turn.
// Tasks added by a task of the same stage run in the next turn. Destroying it drops what still
// waits.
//
// Threads: the loop's.
#pragma once

#include "common/loop.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace xylem {

class TurnEnd {
 public:
  enum class Stage : std::uint8_t { kWork, kSend };

  explicit TurnEnd(Loop& loop, Stage stage = Stage::kWork);
  ~TurnEnd();
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

  void add(std::function<void()> task);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace xylem
