#include "broker/delivery/takeover.h"

namespace xylem::broker {
namespace {

// Of the one that had its instance before.
bool is_successor(const ClientContext& context, const network::Subscribe& newer) {
  if (newer.group.empty()) return false;
  const auto* group = context.memberships.find(newer.group);
  return group == nullptr || !group->has_instance(newer.instance) ||
         group->instance_of(newer.member) == newer.instance;
}

}  // namespace

// Asked of every other subscription at each SUBSCRIBE: what tells most apart comes first.
std::optional<Error> taken_over(const ClientContext& context,
                                const Subscription& older,
                                const Subscription& newer) {
  const auto& was = older.request();
  const auto& is = newer.request();
  const bool is_same_member = !is.member.empty() && was.member == is.member;
  if (!is_same_member && (is.instance.empty() || was.instance != is.instance)) return std::nullopt;
  if (was.group != is.group || was.topic != is.topic || !newer.overlaps(older)) return std::nullopt;
  if (is_same_member)
    return Error(Errc::kCancelled, "\"" + is.member + "\" has subscribed to \"" + is.topic +
                                       "\" on another connection");
  if (!is_successor(context, is)) return std::nullopt;
  return Error(Errc::kUnknownMember,
               "another consumer has subscribed to \"" + is.topic + "\" as instance \"" +
                   is.instance + "\" of group \"" + is.group + "\"",
               "give each consumer an instance of its own");
}

}  // namespace xylem::broker
