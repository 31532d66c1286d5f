#include "network/client/group_member.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

GroupMember::GroupMember(const ClientContext& context,
                         const Consumer::Options& options,
                         std::string member,
                         Hooks hooks)
    : context_(context),
      options_(options),
      member_(std::move(member)),
      hooks_(std::move(hooks)),
      beater_(context.loop),
      patience_(context.loop),
      alive_(std::make_shared<const bool>(true)) {}

GroupMember::~GroupMember() {
  auto* session = hooks_.coordinator();
  if (session == nullptr || is_out_ || !options_.instance.empty()) return;
  hooks_.commit();
  auto last = beat_now();
  last.leaves = true;
  session->send(FrameType::kAssignment, session->next_id(), payload_of(last));
}

void GroupMember::reached() {
  is_asking_ = false;  // what was asked on another connection has its answer
  beat();
}

GroupBeat GroupMember::beat_now() const {
  GroupBeat beat{.group = options_.group,
                 .member = member_,
                 .instance = options_.instance,
                 .topics = options_.topics,
                 .assignor = options_.assignor,
                 .owned = {},
                 .generation = generation_};
  for (const auto& [topic, partitions] : owned_)
    beat.owned.push_back({topic, {partitions.begin(), partitions.end()}});
  return beat;
}

void GroupMember::beat() {
  auto* session = hooks_.coordinator();
  if (session == nullptr || is_out_) return;
  if (std::exchange(is_asking_, true)) {
    is_due_ = true;
    return;
  }
  is_due_ = false;
  session->request(FrameType::kAssignment, payload_of(beat_now()), options_.request_timeout_ms,
                   [this, alive = std::weak_ptr(alive_)](const Result<Frame>& answer) {
                     if (!alive.expired()) on_answer(answer);
                   });
}

void GroupMember::on_answer(const Result<Frame>& answer) {
  is_asking_ = false;
  const auto assignment = answer_as<GroupAssignment>(FrameType::kAssignment, answer);
  if (assignment) return act_upon(*assignment);
  const auto& why = assignment.error();
  if (why.code() == Errc::kUnknownMember) {
    is_out_ = true;
    hooks_.report(why);
    broadcast_.clear();
    return give_up(why);
  }
  if (why.code() != Errc::kUnavailable && why.code() != Errc::kNotLeader) hooks_.report(why);
  hooks_.refused(why);
  beater_.start(kRetryMs, 0, [this] { beat(); });
}

bool GroupMember::on_frame(const Frame& frame) {
  if (frame.type != FrameType::kAssignment) return false;
  const auto assignment = decode<GroupAssignment>(frame.payload.bytes);
  if (!assignment || assignment->group != options_.group) return false;
  if (!is_out_) act_upon(*assignment);
  return true;
}

// The order matters: given up, committed, said.
void GroupMember::act_upon(const GroupAssignment& assignment) {
  if (assignment.beat_ms != 0) beat_ms_ = assignment.beat_ms;
  if (assignment.session_ms != 0) session_ms_ = assignment.session_ms;
  patience_.start(session_ms_ * 9 / 10, 0, [this] {
    give_up(Error(Errc::kTimeout, "nothing was heard of the group's coordinator"));
  });
  beater_.start(beat_ms_, 0, [this] { beat(); });
  Assigned assigned;
  for (const auto& [topic, partitions] : assignment.assigned)
    assigned[topic].insert(partitions.begin(), partitions.end());
  broadcast_ = {assignment.broadcast.begin(), assignment.broadcast.end()};
  generation_ = assignment.generation;
  const bool is_changed = assigned != owned_;
  owned_ = std::move(assigned);
  if (is_changed) {
    hooks_.assigned(owned_);
    hooks_.commit();
  }
  if (is_changed || is_due_) beat();
}

void GroupMember::give_up(const Error& why) {
  context_.logger.warn("group.given_up", {{"group", options_.group}, {"why", why.what()}});
  std::erase_if(owned_, [this](const auto& one) { return !broadcast_.contains(one.first); });
  generation_ = 0;
  hooks_.assigned(owned_);
}

}  // namespace xylem::network
