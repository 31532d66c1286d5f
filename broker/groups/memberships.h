// The groups that this broker coordinates, and their members.
//
// A broker coordinates the groups whose offsets it keeps. When that goes elsewhere, the members
// here are forgotten: they find the new coordinator and tell it what they have. A change that a
// beat makes for others is pushed to them at once, as far as they can be reached.
//
// While a group has members, only who has a partition commits for it. Of broadcast topics a member
// commits its own place: under its instance, or, without one, for as long as it is a member. When
// such a topic becomes shared, the group's place in a partition is that of the member who keeps it,
// unless the group was further.
//
// Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/groups/group.h"
#include "broker/groups/group_offsets.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/result.h"
#include "common/timer.h"
#include "network/protocol/messages.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::broker {

class Memberships {
 public:
  static constexpr std::uint64_t kTickMs = 250;
  static constexpr std::uint32_t kBeatMs = 3'000;  // what members are asked for
  static constexpr std::size_t kGroupsMax = 10'000;

  // A beat as it came in: what it says that the member has was not looked at.
  struct Said {
    Group::Beat beat;  // its `owned` is what is kept of `owned`
    std::vector<network::TopicPartitions> owned;
  };

  // An assignment that nobody asked for. False: the member cannot be reached any more.
  using Push = std::function<bool(const Group::Answer&)>;

  struct Context {
    Loop& loop;
    const Clock& clock;
    TopicCatalog& topics;
    GroupOffsets& offsets;
  };

  Memberships(const Context& context, const Group::Options& options);
  ~Memberships() = default;
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;

  // What GroupOffsets::keeps says, and Group::beat; kQuotaExceeded also where there are too many
  // groups. `push` is kept until the next beat of that member.
  Result<Group::Answer> beat(const std::string& group, const Group::Beat& beat, Push push);

  // The same. kInvalidRequest: the member cannot have what it says that it has.
  Result<Group::Answer> beat(const std::string& group, Said said, Push push);

  void leave(const std::string& group, const std::string& member);

  // kStaleGeneration: the group has members, and this one does not have the partition.
  [[nodiscard]] Status may_commit(const std::string& group,
                                  const std::string& member,
                                  const TopicPartition& partition) const;

  // The same of a broadcast topic. Without an instance only a member commits.
  [[nodiscard]] Status may_commit_own(const std::string& group,
                                      const std::string& member,
                                      const std::string& instance,
                                      const TopicPartition& partition) const;

  // What Group says; of a member that may commit.
  Status note(const std::string& group,
              const std::string& member,
              const TopicPartition& partition,
              const CommittedOffset& offset);
  [[nodiscard]] std::optional<CommittedOffset> noted(const std::string& group,
                                                     const std::string& member,
                                                     const TopicPartition& partition) const;

  // Null: it has no members here.
  [[nodiscard]] const Group* find(const std::string& group) const;

  [[nodiscard]] std::vector<std::string> names() const;  // of those that have members

  [[nodiscard]] std::uint32_t session_ms() const {
    return static_cast<std::uint32_t>(options_.session_ms);
  }

 private:
  struct Coordinated {
    Group group;
    std::map<std::string, Push> pushes;  // by member
  };

  Result<Coordinated*> open(const std::string& name);
  [[nodiscard]] bool is_known(const std::string& name) const;
  void count_partitions(Group& group, const std::set<std::string>& topics) const;
  void take_places(const std::string& name, const Group& group, const TopicDefinition& topic);
  static void tell_changed(Coordinated& coordinated);
  void tick();

  Context context_;
  Group::Options options_;
  std::map<std::string, Coordinated> groups_;
  Timer ticker_;
};

}  // namespace xylem::broker
