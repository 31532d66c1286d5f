// Where one topic stands in a refresh (DESIGN section 9): a pure state machine, frames in, what to
// do out.
//
//   SERVING  --RESET(new id)--> REPLAYING --READY(its id), barrier reached--> SERVING
//   REPLAYING --RESET(newer id)--> REPLAYING: the half-built copy is dropped, a new one begun
//
// Every frame carries the refresh's id. A repeated RESET or READY is acknowledged again and changes
// nothing; a frame of another refresh is dropped. Ids grow within one broker's connection only, so
// after a reconnect any other id is a newer one.
#pragma once

#include <cstdint>
#include <optional>

namespace xylem::consumer_app {

class Refresh {
 public:
  enum class Target : std::uint8_t { kCurrent, kShadow, kDrop };

  struct OnReset {
    bool begin = false;  // make an empty shadow copy, dropping one that may be there
    bool acknowledge = false;
    bool finished = false;  // the current copy is of that refresh: acknowledge its READY
  };

  struct OnReady {
    bool swap = false;
    bool acknowledge = false;
  };

  // `completed`: the refresh that made the current copy; 0: none did.
  explicit Refresh(std::uint64_t completed) : completed_(completed) {}

  void on_connected() { newly_connected_ = true; }

  OnReset on_reset(std::uint64_t id);

  // Which copy a frame of that refresh (0: an ordinary one) belongs to.
  [[nodiscard]] Target on_data(std::uint64_t id) const;

  // `reached`: the shadow copy holds everything below the barrier. A READY that comes too early is
  // dropped; the broker repeats it.
  OnReady on_ready(std::uint64_t id, bool reached);

  // Forgets the refresh that is being replayed: another one takes its place.
  void abandon() { replaying_.reset(); }

  // The refresh that is being replayed.
  [[nodiscard]] std::optional<std::uint64_t> replaying() const { return replaying_; }

 private:
  std::uint64_t completed_;
  std::optional<std::uint64_t> replaying_;
  bool newly_connected_ = true;
};

}  // namespace xylem::consumer_app
