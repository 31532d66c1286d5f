// The members of one group, and who of them consumes which partition: the coordinator's part.
//
// A member says at each beat what it wants and what it has; the answer is what it shall have. There
// is no other message, and no pause for all [KIP-848]: a partition that stays is never given up,
// and one that moves goes to its new member when the old one has said that it let go of it, was
// removed, or left. A member that asks for what was decided since its last answer is told at its
// next beat, or earlier by whoever runs this (`changed`).
//
//   beat(has a, b; saw generation 7) -> generation 8: a        b is to go elsewhere
//   beat(has a; saw generation 8)    -> generation 9: a        from now on another one may have b
//
// Generations only grow; a member's commits count while it has the partition by this group's books.
// That a member does not have a partition (any more) counts when it has seen its last answer: one
// that is under way may give it that partition.
// A coordinator that has just begun knows nobody: who claims a partition that nobody has got gets
// it, and what nobody claims waits for `settle_ms`, since somebody may still consume it.
//
// A member with an instance (static membership, KIP-345) may come back under another id and finds
// everything as it was; whoever had the instance before is removed.
//
// Of a broadcast topic each member that wants it has all partitions, at once: nothing moves, and
// nobody waits for another one. When a topic becomes broadcast, who has a partition goes on with it
// and gets the others; when it becomes shared, the first member keeps what several had, and it is
// evened out from there.
//
// Pure: no clock, no I/O. Threads: one.
#pragma once

#include "broker/groups/assignor.h"
#include "broker/groups/offset_record.h"
#include "common/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::broker {

class Group {
 public:
  static constexpr std::size_t kMembersMax = 1'000;
  static constexpr std::size_t kTopicsMax = 100;  // of a member

  struct Options {
    std::int64_t session_ms = 10'000;  // silent for so long: removed
    std::int64_t let_go_ms = 30'000;   // does not let go of what moves for so long: removed
    std::int64_t settle_ms = 10'000;
  };

  struct Beat {
    std::string member;
    std::string instance;  // empty: none
    std::string client;    // for people
    std::set<std::string> topics;
    Assignor assignor = Assignor::kSticky;
    TopicPartitions owned;
    std::uint32_t generation = 0;  // of the last answer that it has acted upon; 0: none
  };

  // What a member without an instance has done of broadcast topics.
  using Noted = std::map<TopicPartition, CommittedOffset>;

  struct Answer {
    std::uint32_t generation = 0;
    TopicPartitions assigned;
    std::set<std::string> broadcast;  // of the topics that are assigned

    bool operator==(const Answer&) const = default;
  };

  struct Described {
    std::string member;
    std::string instance;
    std::string client;
    TopicPartitions assigned;
    std::int64_t silent_ms = 0;
    Noted noted;
  };

  // `first_generation`: above all that earlier coordinators gave. `is_known`: others may have
  // members of it, from before.
  Group(const Options& options, std::uint32_t first_generation, bool is_known, std::int64_t now_ms);

  // kQuotaExceeded: too many members, or topics. kUnknownMember: another one has its instance now:
  // it owns nothing any more, and must not go on.
  Result<Answer> beat(const Beat& beat, std::int64_t now_ms);

  void leave(const std::string& member);

  // Removes who is silent, or does not let go.
  void tick(std::int64_t now_ms);

  // Of all topics that members want; one that is not there has none.
  void set_partitions(const PartitionCounts& shared, const PartitionCounts& broadcast = {});

  // Whose answer has changed since it was told. Each once.
  [[nodiscard]] std::vector<std::string> take_changed();

  // What `member` shall have now; nullopt: there is no such member.
  [[nodiscard]] std::optional<Answer> answer_for(const std::string& member);

  // By the books; what a commit needs.
  [[nodiscard]] bool owns(const std::string& member, const TopicPartition& partition) const;

  // The first one that has it; nullopt: nobody. Of broadcast topics.
  [[nodiscard]] std::optional<std::string> first_owner(const TopicPartition& partition) const;

  [[nodiscard]] bool has_as_broadcast(const std::string& topic) const {
    return broadcast_.contains(topic);
  }

  // Whose instance it is; nullopt: there is no such member.
  [[nodiscard]] std::optional<std::string> instance_of(const std::string& member) const;

  // That a member has it.
  [[nodiscard]] bool has_instance(const std::string& instance) const {
    return !instance.empty() && instances_.contains(instance);
  }

  // Of a broadcast topic, by a member that owns the partition and has no instance: known as long as
  // it is a member. kInvalidRequest: below what it has noted before.
  Status note(const std::string& member,
              const TopicPartition& partition,
              const CommittedOffset& offset);
  [[nodiscard]] std::optional<CommittedOffset> noted(const std::string& member,
                                                     const TopicPartition& partition) const;

  [[nodiscard]] std::set<std::string> topics() const;  // that any member wants

  [[nodiscard]] bool is_empty() const { return members_.empty(); }

  [[nodiscard]] std::uint32_t generation() const { return generation_; }

  [[nodiscard]] Assignor assignor() const;

  [[nodiscard]] std::vector<Described> describe(std::int64_t now_ms) const;

 private:
  struct Member {
    std::string instance;
    std::string client;
    std::set<std::string> topics;
    Assignor assignor = Assignor::kSticky;
    TopicPartitions target;  // what it shall have when all has moved
    TopicPartitions held;    // what it has, or was told to have, and has not let go of
    TopicPartitions told;    // by its last answer
    std::uint32_t told_generation = 0;
    std::int64_t heard_ms = 0;
    std::optional<std::int64_t> keeps_since_ms;  // what it was told to let go of
    Noted noted;
  };

  // What is wrong with it; nothing is changed.
  [[nodiscard]] Status check(const Beat& beat) const;
  Member& admit(const Beat& beat);
  void claim(const std::string& id, Member& member, const TopicPartitions& owned);
  void let_go(Member& member, const Beat& beat);
  void release(const std::string& id, const TopicPartition& partition);
  void share(const std::string& id, Member& member);
  void remove(const std::string& id);
  void rebalance();
  void changed();
  [[nodiscard]] TopicPartitions due(const std::string& id, const Member& member) const;
  Answer tell(const std::string& id, Member& member);

  Options options_;
  std::uint32_t generation_;
  std::int64_t now_ms_;
  std::int64_t settled_ms_;  // from then on what nobody has is free
  bool is_settling_;
  bool is_changed_ = false;
  PartitionCounts counts_;  // of shared topics
  PartitionCounts broadcast_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> instances_;   // whose they are
  std::map<TopicPartition, std::string> holders_;  // whose `held` it is in; not of broadcast topics
};

}  // namespace xylem::broker
