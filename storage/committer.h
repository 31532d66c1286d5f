// The one thread that writes and syncs, for all logs of a disk.
//
// A round takes every log that has something waiting or due, lets each write, then each sync (one
// sync serves all that waited: group commit), and posts one task to the writers' loop that tells
// the logs that moved; where the loop wants to know it, one before the syncs as well. Work that
// arrives meanwhile waits for the next round, so batches grow with the disk's latency by
// themselves. Several logs are synced at the same time (SyncCrew). The thread is woken when the
// loop's turn ends, once for all that the turn brought: a wake-up costs more than a batch.
//
// So what is small and needs no sync is written by the loop itself, at the end of its turn, while
// the thread has nothing to do. Once that has taken too long (a disk that holds writers back), all
// goes to the thread for a hundred times as long: so a slow disk costs the loop one part in a hundred.
//
// A simulation has no such thread: it runs the rounds itself, where it wants them.
//
// Threads: the loop's; stop once. Deadlines are by the Clock given.
#pragma once

#include "common/clock.h"
#include "common/loop.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace xylem::storage {

class Committed {
 public:
  virtual ~Committed() = default;

  // On the committer's thread: write what waits.
  virtual void write_waiting() = 0;

  struct QuickWrite {
    bool moved = false;  // tell the loop: it was written
    bool visit = true;   // by the thread: it was not, or there is something to sync later
  };

  // On the loop: write what waits if nobody has to be waited for.
  virtual QuickWrite write_quickly() { return {}; }

  // On the committer's thread, after everybody has written: whether sync_due() will sync.
  [[nodiscard]] virtual bool is_sync_due(std::int64_t now_us) = 0;

  // On the committer's thread, before the sync that is due: the loop wants to know what is written.
  [[nodiscard]] virtual bool is_news_before_sync() { return false; }

  struct Outcome {
    bool moved = false;                       // tell the loop
    std::optional<std::int64_t> again_at_us;  // visit again by then, also when nothing was queued
  };

  // On the committer's thread, or another one that it waits for, alone or while other logs do the
  // same: sync if the policy says so.
  virtual Outcome sync_due(std::int64_t now_us) = 0;

  // On the loop.
  virtual void committed() = 0;
};

enum class Rounds : std::uint8_t { kByThread, kByHand };

class Committer {
 public:
  Committer(Loop& loop, const Clock& clock, Rounds rounds = Rounds::kByThread);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // `log` takes part in the next round after this turn of the loop.
  void enqueue(std::shared_ptr<Committed> log);

  // With kByHand: one round over what is queued or due.
  void run_round();

  // Runs one last round over what is queued and ends the thread.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::storage
