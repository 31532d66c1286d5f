// Commands about groups as JSON in, JSON out: what ADMIN frames and the HTTP API both call.
//
//   group.list        {}
//     -> {"groups":[{"group","members":N,"topics":[...],"generation","assignor"}...],
//         "coordinators":["host:port"...]}
//     Of the groups that this broker keeps; the coordinators know the others. Those without
//     members have generation 0 and no assignor.
//   group.describe    {"group"}
//     -> {"group","generation","assignor",
//         "members":[{"member","instance","client","silentMs",
//                     "assigned":[{"topic","partition"}...]}...],
//         "offsets":[{"topic","partition","committed","end","lag","deliveries":N}...]}
//     Where some of its topics are broadcast, "broadcast":[topic...], and their offsets have the
//     "instance" whose they are, or the "member" (for as long as it is one).
//     `end`, `lag`: the high watermark, and how many records are above what is committed; only of
//     partitions that partition.offsets tells of. `deliveries`: how many of the next record have
//     failed at this broker; left out where none.
//   group.reset       {"group","offsets":[{"topic","partition","offset"}...],"dryRun":false}
//     -> {"group","new":false,"dryRun",
//         "offsets":[{"topic","partition","before":N|null,"offset"}...]}
//     Also "topic","to" and perhaps "partition" in place of "offsets": reset_target.h; only where
//     this broker knows the ends of all that are meant.
//     `new`: the group had no offsets and no members before.
//     Of a broadcast topic those of all instances that have any, or of the "instance" in the
//     request; the answer names each one's "instance". All of them or none, durable in the answer;
//     to offsets before what was committed, too. None above what a partition that is led here
//     holds; whoever asks sees to the others.
//   group.forget      {"group","instance"} -> {"group","instance","offsets":N}
//     So many offsets of broadcast topics are gone; none while a member has the instance.
//   group.delete      {"group"} -> {"group","offsets":N}
//     All of its offsets, so many, are gone; none while it has members. What has failed of its
//     records stays counted at the brokers that delivered them, until that gives way.
//   partition.offsets {"topic","timestampMs":N}
//     -> {"topic","partitions":[{"partition","start","highWatermark","offset"}...]}
//     Of the partitions that this broker leads (those it has, where it keeps its groups itself).
//     `offset`: the first at or after the timestamp (the high watermark: none is), where that was
//     asked for.
//
// Errors: kInvalidRequest (unknown command or field; the group has members: they would go on),
// kNotFound (no such group), kUnknownTopicOrPartition, and what GroupOffsets says.
// Threads: the loop's; `answer` is called once, perhaps inside the call.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/groups/delivery_counts.h"
#include "broker/groups/group_offsets.h"
#include "broker/groups/group_request.h"
#include "broker/groups/memberships.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/result.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

class GroupAdmin {
 public:
  using Answer = std::function<void(Result<std::string>)>;

  struct Context {
    const Clock& clock;
    const TopicCatalog& topics;
    const PartitionTable& partitions;
    GroupOffsets& offsets;
    const Memberships& memberships;
    const DeliveryCounts* counts = nullptr;  // null: nothing is counted
  };

  explicit GroupAdmin(const Context& context) : context_(context) {}

  [[nodiscard]] static bool is_command(std::string_view name);

  void run(std::string_view command, std::string_view json, const Answer& answer);

 private:
  [[nodiscard]] std::string list() const;
  [[nodiscard]] Result<std::string> describe(std::string_view json) const;
  [[nodiscard]] Result<std::string> offsets_of(std::string_view json) const;
  void reset(std::string_view json, const Answer& answer);
  void forget(std::string_view json, const Answer& answer);
  void remove(std::string_view json, const Answer& answer);
  void take_back(const std::vector<GroupPartition>& gone, std::string text, const Answer& answer);
  [[nodiscard]] Status check_there(const CommittedOffsets& offsets) const;
  [[nodiscard]] Status check_unattended(const std::string& group,
                                        const std::string& what_then) const;
  [[nodiscard]] Status find_target(ResetRequest& request) const;

  Context context_;
};

}  // namespace xylem::broker
