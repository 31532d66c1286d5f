#include "broker/delivery/group_beat.h"

#include "broker/groups/offset_record.h"

#include <utility>

namespace xylem::broker {

Result<Memberships::Said> beat_of(const network::GroupBeat& message, const std::string& client) {
  if (message.member.empty()) return fail(Errc::kInvalidRequest, "a member has an id");
  for (const auto& name : {message.member, message.instance})
    if (auto good = check_instance(name); !good) return pass(good);
  const auto assignor = assignor_of(message.assignor);
  if (!assignor)
    return fail(Errc::kInvalidRequest, "no assignor \"" + message.assignor + "\"",
                "range, round-robin or sticky");
  if (message.topics.size() > Group::kTopicsMax)
    return fail(Errc::kQuotaExceeded,
                "a member wants at most " + std::to_string(Group::kTopicsMax) + " topics");
  Group::Beat beat{.member = message.member,
                   .instance = message.instance,
                   .client = client,
                   .topics = {message.topics.begin(), message.topics.end()},
                   .assignor = *assignor,
                   .owned = {},
                   .generation = message.generation};
  return Memberships::Said{std::move(beat), message.owned};
}

Buffer encode_assignment(const std::string& group,
                         const Group::Answer& answer,
                         std::uint32_t session_ms) {
  network::GroupAssignment message{.group = group,
                                   .generation = answer.generation,
                                   .assigned = {},
                                   .beat_ms = Memberships::kBeatMs,
                                   .session_ms = session_ms,
                                   .broadcast = {answer.broadcast.begin(), answer.broadcast.end()}};
  for (const auto& [topic, partition] : answer.assigned) {
    auto& lists = message.assigned;
    if (lists.empty() || lists.back().topic != topic) lists.push_back({topic, {}});
    lists.back().partitions.push_back(partition);
  }
  return network::encode(message);
}

}  // namespace xylem::broker
