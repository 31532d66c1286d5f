// What happened, as nobody in the world can see it, and whether it may: the promises of DESIGN
// section 1 as checks (PITFALLS, "The history checker").
//
// What a leader commits is appended to the one true log of the partition. From then on every
// replica's and every edge's log is held against that, batch by batch; and every batch that becomes
// committed against what its producer sent: once, in order, unchanged. Each check is made when the
// thing happens, so the first fault is the one that is told.
// Threads: one.
#pragma once

#include "broker/cluster/partition_record.h"
#include "tests/sim/cluster/model_log.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace xylem::sim {

class History {
 public:
  History(std::size_t partitions, std::size_t producers, std::size_t min_insync);

  struct Acknowledged {
    std::size_t partition = 0;
    std::size_t producer = 0;
    std::int32_t sequence = 0;
    Offset base;
    std::uint16_t replicas_synced = 0;  // as it was told
  };

  void sent(std::size_t partition, std::size_t producer, const BatchHeader& batch);
  void acknowledged(const Acknowledged& told);

  // A leadership that nothing newer has ended begins on this log.
  void led(std::size_t partition, const ModelLog& log);

  // A leader, or one that follows, takes what is below `high_watermark` for committed.
  void committed(std::size_t partition,
                 broker::ReplicaId leader,
                 Epoch epoch,
                 ModelLog& log,
                 Offset high_watermark);
  void followed(std::size_t partition, ModelLog& log, Offset high_watermark);

  // Before a replica, or an edge, removes what is at or above `offset`.
  void cuts(std::size_t partition, const ModelLog& log, Offset offset);
  void takes_back(Offset offset);

  // Before a log takes over what another one gave for its end. False: it does not begin there.
  bool continues(const ModelLog& log, const std::vector<StoredBatch*>& batches);

  // An edge has this now.
  void stored(std::size_t partition, ModelLog& log);

  // Whether the log has all that was committed; and no more.
  [[nodiscard]] bool has_all(std::size_t partition, const ModelLog& log) const;
  [[nodiscard]] bool is_whole(std::size_t partition, const ModelLog& log) const;

  [[nodiscard]] const std::vector<StoredBatch*>& committed(std::size_t partition) const {
    return partitions_[partition].committed;
  }

  [[nodiscard]] std::uint64_t acknowledgements() const { return acknowledgements_; }

  void fail(const std::string& what);

  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  struct Sent {
    std::int32_t sequence = 0;
    std::uint32_t crc = 0;
    std::size_t committed_at = SIZE_MAX;
  };

  struct Stream {
    std::vector<Sent> sent;
    std::size_t committed = 0;
  };

  struct Partition {
    std::vector<StoredBatch*> committed;
    std::map<Epoch, broker::ReplicaId> committers;
    std::vector<Stream> streams;  // by producer
  };

  void commit(std::size_t partition, StoredBatch* batch);
  bool agree(std::size_t partition, ModelLog& log, std::size_t index);

  std::size_t min_insync_;
  std::vector<Partition> partitions_;
  std::uint64_t acknowledgements_ = 0;
  std::string fault_;
};

}  // namespace xylem::sim
