#include "broker/delivery/takeover.h"

namespace xylem::broker {
namespace {

bool is_successor(const ClientContext& context,
                  const GroupReader& older,
                  const GroupReader& newer) {
  if (newer.group.empty() || newer.instance.empty() || older.instance != newer.instance)
    return false;
  const auto* group = context.memberships.find(newer.group);
  return group == nullptr || !group->has_instance(newer.instance) ||
         group->instance_of(newer.member) == newer.instance;
}

}  // namespace

std::optional<Error> taken_over(const ClientContext& context,
                                const Subscription& older,
                                const Subscription& newer) {
  const auto was = older.reader();
  const auto is = newer.reader();
  const auto& topic = newer.request().topic;
  if (was.group != is.group || older.request().topic != topic || !newer.overlaps(older))
    return std::nullopt;
  if (!is.member.empty() && was.member == is.member)
    return Error(Errc::kCancelled,
                 "\"" + is.member + "\" has subscribed to \"" + topic + "\" on another connection");
  if (!is_successor(context, was, is)) return std::nullopt;
  return Error(Errc::kUnknownMember,
               "another consumer has subscribed to \"" + topic + "\" as instance \"" + is.instance +
                   "\" of group \"" + is.group + "\"",
               "give each consumer an instance of its own");
}

}  // namespace xylem::broker
