// libraft's disk, network, time and chance (its struct raft_io), over ours. Only for quorum.cpp.
//
// A follower acknowledges what it compared with its leader's log in this term, and no more: libraft
// 0.15 answers a heartbeat with the end of its log, though older leaders' entries may be there.
//
// Appends, cuts and snapshots are done in the order in which they are asked for, elsewhere; the
// term and the vote are durable on return, as libraft wants it. A message is sent or lost.
//
// What a message offers again of what a snapshot holds is taken out of it: libraft 0.15 knows of
// such entries no more, refuses them, and the leader may never find out from where on to send.
//
// A vote that is refused says in which term its member is: libraft 0.15 repeats the term of a
// pre-vote's request, so that a candidate of an older term would never hear that there is a newer
// one.
//
// Once something could not be stored nothing is any more, and the member falls silent. libraft
// hears of no append that failed: it would forget the entry that its followers may have, to give
// them another one of the same index and term; and of two appends that fail it would forget what
// lies behind the end of its log. Threads: one, but what Seams::work does elsewhere.
#pragma once

#include "broker/cluster/quorum/quorum.h"
#include "broker/cluster/quorum/raft_library.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace xylem::broker {

class RaftIo {
 public:
  RaftIo(Quorum::Seams seams, std::unique_ptr<QuorumStore> store);
  ~RaftIo() = default;
  RaftIo(const RaftIo&) = delete;
  RaftIo& operator=(const RaftIo&) = delete;

  [[nodiscard]] raft_io* raw() { return &io_; }

  void tick();
  Status receive(ReplicaId from, Bytes bytes);

  Status join();
  void joined();

  [[nodiscard]] Status health() const;

  // The same without waiting for the disk.
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  [[nodiscard]] bool takes_part() const { return tick_ != nullptr && !closed_ && !has_failed_; }

 private:
  // Entries up to `end` are those of the leader of `term`.
  struct Compared {
    raft_term term = 0;
    raft_index end = 0;
  };

  // Where libraft wants what is on the disk.
  struct Loaded {
    raft_term* term;
    raft_id* vote;
    raft_snapshot** snapshot;
    raft_index* start;
    raft_entry** entries;
    std::size_t* count;
  };

  static RaftIo& of(raft_io* io) { return *static_cast<RaftIo*>(io->impl); }

  int load(const Loaded& out);
  int bootstrap(const raft_configuration& configuration);
  int append(raft_io_append* request,
             const raft_entry* entries,
             unsigned count,
             raft_io_append_cb done);
  int truncate(raft_index index);
  int send(raft_io_send* request, const raft_message& message, raft_io_send_cb done);
  int put_snapshot(unsigned trailing,
                   raft_io_snapshot_put* request,
                   const raft_snapshot& snapshot,
                   raft_io_snapshot_put_cb done);
  int get_snapshot(raft_io_snapshot_get* request, raft_io_snapshot_get_cb done);
  void close(raft_io_close_cb done);
  int on_store(const std::function<Status(QuorumStore&)>& change);
  [[nodiscard]] bool is_lost(const raft_message& message) const;
  void skip_snapshot(raft_append_entries& message) const;
  static std::optional<Compared> offered_by(const raft_message& message);

  [[nodiscard]] Compared to_compare() const { return offered_.value_or(Compared{}); }

  void note(const Compared& compared);
  void end_append(raft_io_append* request, int result, raft_io_append_cb done);
  void begin(std::function<void()> work, std::function<void()> done);
  void end_one();

  raft_io io_{};
  Quorum::Seams seams_;
  mutable std::mutex store_mutex_;
  std::unique_ptr<QuorumStore> store_;  // under store_mutex_
  Status stored_;                       // under store_mutex_: the first failure
  std::atomic<bool> has_failed_ = false;
  raft_io_tick_cb tick_ = nullptr;
  raft_io_recv_cb receive_ = nullptr;
  raft_io_close_cb closed_ = nullptr;
  raft_term term_ = 0;  // as libraft has it
  std::size_t under_way_ = 0;
  std::vector<std::function<void()>> unanswered_;  // appends that failed
  bool is_joining_ = false;                        // no votes, neither asked for nor given
  raft_index snapshot_index_ = 0;                  // of the last entry in it; 0: there is none
  raft_term snapshot_term_ = 0;                    // of that entry
  Compared compared_;                              // with the leader of that term
  std::optional<Compared> offered_;                // by the message that is being heard
};

}  // namespace xylem::broker
