#include "broker/upstream/feed.h"

#include "pipe/child_position.h"

#include <utility>

namespace xylem::broker {

Feed::Feed(const Context& context, const ClusterId& cluster, Hooks hooks)
    : context_(context),
      cluster_(cluster),
      hooks_(std::move(hooks)),
      lost_history_(context.metrics.counter(
          "xylem_pipe_history_lost_total",
          "Partitions begun anew because the parent no longer had what came next.")),
      cut_back_(
          context.metrics.counter("xylem_pipe_cut_back_total",
                                  "Partitions cut back because they differed from the parent.")) {}

Result<pipe::FetchPartition> Feed::position(const LogId& log) {
  auto* partition = context_.partitions.find(log);
  if (partition == nullptr) return fail(Errc::kUnknownTopicOrPartition, "the partition is gone");
  return pipe::position_of(log, *partition->log());
}

Status Feed::store(const pipe::FetchedPartition& fetched) {
  auto* partition = context_.partitions.find(fetched.log);
  if (partition == nullptr) return {};  // removed while the answer was under way
  const Bytes batches = fetched.batches.empty() ? Bytes() : fetched.batches.front().bytes;
  Status stored;
  if (const auto bounds = pipe::inherited(*partition->log(), fetched))
    stored = partition->log()->inherit_compaction(*bounds);
  if (stored) stored = partition->store(batches, fetched.high_watermark, fetched.age_ms);
  if (!stored) {
    context_.logger.warn("pipe.store_failed", {{"topic", partition->topic()},
                                               {"partition", fetched.log.partition.value()},
                                               {"error", stored.error().what()}});
  }
  return stored;
}

Status Feed::repair(const pipe::FetchedPartition& fetched) {
  auto* partition = context_.partitions.find(fetched.log);
  if (partition == nullptr) return {};
  context_.logger.warn("pipe.repair", {{"topic", partition->topic()},
                                       {"partition", fetched.log.partition.value()},
                                       {"state", static_cast<int>(fetched.state)},
                                       {"cursor", fetched.cursor.value()},
                                       {"offset", fetched.offset.value()}});
  switch (fetched.state) {
    case pipe::FetchState::kDiverged: {
      const auto cut_at = pipe::cut_point(*partition->log(), fetched);
      if (!cut_at) return std::unexpected(cut_at.error());
      if (*cut_at < partition->high_watermark()) {
        auto may = may_rebuild(*partition, "the parent's history differs: cut back");
        if (!may) return may;
      }
      cut_back_.add();
      auto cut = partition->cut_back(*cut_at);
      if (cut) context_.partitions.announce(*partition);
      return cut;
    }
    case pipe::FetchState::kOutOfRange: {
      auto may = may_rebuild(*partition, "the parent no longer had what came next");
      if (!may) return may;
      lost_history_.add();
      return restart(*partition, fetched.offset);
    }
    default:
      return {};
  }
}

Status Feed::may_rebuild(const Partition& partition, const std::string& why) const {
  return hooks_.may_rebuild ? hooks_.may_rebuild(partition, why) : Status();
}

Status Feed::restart(Partition& partition, Offset start) {
  auto done = partition.restart_at(start);
  if (!done) return done;
  if (partition.topic() == kTopicsTopic) context_.topics.reread();
  context_.partitions.announce(partition);
  return {};
}

void Feed::confirm(const LogId& log, std::uint64_t age_ms) {
  if (auto* partition = context_.partitions.find(log)) partition->confirm(age_ms);
}

bool Feed::accepts(const NodeId& parent, const ClusterId& cluster) {
  if (cluster_.is_nil()) {
    const auto adopted = hooks_.adopt(cluster);
    if (adopted) cluster_ = cluster;
    return adopted.has_value();
  }
  if (cluster == cluster_) return true;
  context_.logger.error("pipe.wrong_cluster",
                        {{"parent", parent},
                         {"theirs", cluster.text()},
                         {"ours", cluster_.text()},
                         {"hint", "an emptied data directory would join the other cluster"}});
  return false;
}

}  // namespace xylem::broker
