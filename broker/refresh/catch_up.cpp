#include "broker/refresh/catch_up.h"

#include <cstddef>

namespace xylem::broker {

CatchUp::Step CatchUp::next(const std::vector<Offset>& barrier,
                            const std::vector<Offset>& replayed,
                            const std::vector<Offset>& live) {
  if (!reaches(replayed, barrier)) return Step::kGoOn;
  switch (stretch_) {
    case Stretch::kToBarrier:
      stretch_ = Stretch::kToLive;
      goal_ = live;
      [[fallthrough]];
    case Stretch::kToLive:
      if (!reaches(replayed, goal_)) return Step::kGoOn;
      stretch_ = Stretch::kToHeldLive;
      return Step::kHold;
    case Stretch::kToHeldLive:
      break;
  }
  return reaches(replayed, live) ? Step::kDone : Step::kGoOn;
}

bool reaches(const std::vector<Offset>& have, const std::vector<Offset>& wanted) {
  for (std::size_t p = 0; p < wanted.size(); ++p)
    if ((p < have.size() ? have[p] : Offset()) < wanted[p]) return false;
  return true;
}

}  // namespace xylem::broker
