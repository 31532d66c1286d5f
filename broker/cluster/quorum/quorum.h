// One member of the metadata quorum: proposes commands, applies what is decided, in one order for
// all members. Raft (Ongaro and Ousterhout, 2014), by libraft, with pre-vote; its disk, network,
// time and chance are passed in.
//
// A decided command is applied by every member, also again after a start from the last snapshot on.
// What a proposer hears: ok or what `apply` said here; kNotLeader: propose it to who leads;
// kUnavailable: nobody knows (the leadership was lost on the way): look at the state.
//
// Threads: one, but what `Seams::work` does elsewhere. Errors of open: kCorrupt, kIo (the store).
#pragma once

#include "broker/cluster/partition_record.h"
#include "broker/cluster/quorum/quorum_store.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/random.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class Quorum {
 public:
  struct Options {
    ReplicaId self;
    unsigned election_timeout_ms = 600;  // up to twice that, by chance
    unsigned heartbeat_ms = 100;
    unsigned snapshot_entries = 1'024;  // applied since the last one
    unsigned trailing_entries = 128;    // kept for members that are a little behind
    // A snapshot that was not answered is sent again: until then its member gets nothing else.
    unsigned snapshot_timeout_ms = 5'000;
  };

  // What the commands are about.
  struct Machine {
    std::function<Status(Bytes command)> apply;
    std::function<Buffer()> snapshot;
    std::function<Status(Bytes snapshot)> restore;  // kCorrupt stops the member
  };

  struct Seams {
    const Clock& clock;
    Random& random;
    // Runs `work` where it may wait for the disk, then `done` here, in the order of the calls.
    std::function<void(std::function<void()> work, std::function<void()> done)> work;
    // Lost where the member cannot be reached.
    std::function<void(ReplicaId to, Buffer message)> send;
  };

  static Result<std::unique_ptr<Quorum>> open(const Options& options,
                                              Machine machine,
                                              Seams seams,
                                              std::unique_ptr<QuorumStore> store);

  // After close() only, if start() was called.
  ~Quorum();
  Quorum(const Quorum&) = delete;
  Quorum& operator=(const Quorum&) = delete;

  // Once in the life of a cluster, on every first member alike, before start().
  // kAlreadyExists: the store is not empty.
  Status bootstrap(const std::vector<ReplicaId>& members);

  // Instead, on a disk that takes the place of a lost one: whatever the lost one voted and
  // acknowledged is forgotten, so this member takes part in no election before joined(): when what
  // was proposed after this start has been applied here. kAlreadyExists: as bootstrap().
  Status join();
  void joined();

  Status start();

  // Every Options::heartbeat_ms, or more often.
  void tick();

  // A message that `from` sent. kInvalidRequest: it is none.
  Status receive(ReplicaId from, Bytes message);

  // `done` runs once, not inside this call unless it is refused at once.
  void propose(Bytes command, std::function<void(Status)> done);

  // An error: something could not be stored, and this member takes no part any more. Close it and
  // open it again when the disk is well.
  [[nodiscard]] Status health() const;

  [[nodiscard]] bool is_leader() const;
  [[nodiscard]] std::optional<ReplicaId> leader() const;  // as far as is known here

  // `done` runs when nothing is under way any more; proposals get kCancelled before.
  void close(std::function<void()> done);

 private:
  struct Raft;
  explicit Quorum(std::unique_ptr<Raft> raft);

  std::unique_ptr<Raft> raft_;
};

}  // namespace xylem::broker
