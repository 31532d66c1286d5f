#include "broker/delivery/delivery_failures.h"

#include "broker/delivery/group_reader.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

// All before the record that failed, so that the group's cursor stands at it. Where that is refused
// the group begins earlier, and the record is left out of what it is pushed.
void commit_handled(const ClientContext& context,
                    const Subscription& subscription,
                    const GroupPartition& where,
                    const CommittedOffset& handled) {
  const auto& request = subscription.request();
  if (!request.auto_commit) return;
  const auto known = context.offsets.find(where);
  if (known && known->incarnation == handled.incarnation && known->next >= handled.next) return;
  commit_for(context, subscription.reader(), {where.topic, where.partition}, handled,
             [](const Status&) {});
}

// That the loss of its consumer is a failure of this record. It is not where the group went on
// without that consumer: another one has handled the record, or has the partition now. And a
// partition has one count: it stays with another record that is failing, which the group has not
// passed.
bool is_failure(const ClientContext& context,
                const Subscription& subscription,
                const Subscription::Head& head) {
  const auto where = subscription.group_at(head.partition);
  if (!may_commit(context, subscription.reader(), {where.topic, where.partition})) return false;
  const auto known = context.offsets.find(where);
  const auto passed = known && known->incarnation == head.incarnation ? known->next : Offset();
  if (head.record < passed) return false;
  const auto* count =
      context.delivery_counts == nullptr ? nullptr : context.delivery_counts->find(where);
  return count == nullptr || count->is_dead || count->incarnation != head.incarnation ||
         count->offset == head.record || count->offset < passed;
}

}  // namespace

void count_failure(const ClientContext& context,
                   const Subscriptions& subscriptions,
                   const network::DeliveryFailure& failure,
                   DeadLetters::Done done) {
  const auto is_it = [&](const auto& open) {
    const auto& request = open.second.request();
    return request.topic == failure.topic && request.group == failure.group &&
           open.second.pushed(failure.partition, failure.incarnation, failure.offset);
  };
  const auto found = std::ranges::find_if(subscriptions, is_it);
  if (found == subscriptions.end()) {
    return done(fail(Errc::kInvalidRequest, "record " + std::to_string(failure.offset.value()) +
                                                " of \"" + failure.topic +
                                                "\" was not pushed here, or is not counted"));
  }
  const auto& subscription = found->second;
  const auto next = subscription.pushed(failure.partition, failure.incarnation, failure.offset);
  const auto where = subscription.group_at(failure.partition);
  commit_handled(context, subscription, where, {*next, failure.incarnation});
  context.dead_letters->failed({where, failure.incarnation, failure.offset, failure.reason},
                               std::move(done));
}

void count_lost(const ClientContext& context,
                const Subscriptions& subscriptions,
                const Error& why) {
  for (const auto& [id, subscription] : subscriptions) {
    for (const auto& head : subscription.heads()) {
      const auto where = subscription.group_at(head.partition);
      commit_handled(context, subscription, where, {head.next, head.incarnation});
      if (!is_failure(context, subscription, head)) continue;
      context.dead_letters->failed(
          {where, head.incarnation, head.record, "the consumer was lost: " + why.what()},
          [](const auto&) {});
    }
  }
}

}  // namespace xylem::broker
