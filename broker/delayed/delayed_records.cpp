#include "broker/delayed/delayed_records.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::string_view kDroppedHelp = "Delayed records that were not delivered, by why.";

// Seconds.
std::vector<double> lateness_bounds() {
  return {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300};
}

}  // namespace

DelayedRecords::DelayedRecords(const Context& context, Hooks hooks)
    : context_(context),
      hooks_(std::move(hooks)),
      targets_({context.client, context.partitions, hooks_.leader_address}),
      log_context_{
          context.client.loop,
          context.client.clock,
          context.client.logger,
          context.partitions,
          context.topics,
          targets_,
          context.metrics.counter("xylem_delayed_promoted_total", "Delayed records delivered."),
          context.metrics.counter(
              "xylem_delayed_dropped_total", kDroppedHelp, {{"reason", "topic_deleted"}}),
          context.metrics.counter(
              "xylem_delayed_dropped_total", kDroppedHelp, {{"reason", "damaged"}}),
          context.metrics.histogram("xylem_delayed_lateness_seconds",
                                    "From a delayed record's due time to its delivery.",
                                    lateness_bounds()),
          std::make_shared<PromotionBudget>()},
      parked_(context.metrics.gauge("xylem_delayed_parked",
                                    "Delayed records that wait here, as leader.")),
      ticker_(context.client.loop) {
  context_.partitions.observe([this](const Partition& moved) { on_moved(moved); });
  context_.topics.observe([this](const TopicDefinition& /*topic*/, bool removed) {
    is_removal_due_ = is_removal_due_ || removed;
  });
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

DelayedRecords::~DelayedRecords() {
  for (const auto& log : logs_) {
    if (log != nullptr) log->close();
  }
}

LogId DelayedRecords::home_of(const TopicDefinition& topic, PartitionId partition) const {
  return home().log(network::delayed_partition(topic.incarnation.topic, partition).value());
}

void DelayedRecords::on_moved(const Partition& partition) {
  if (partition.id().incarnation.topic == delayed_topic().incarnation.topic)
    look(partition.id().partition);
}

void DelayedRecords::look(PartitionId partition) {
  if (partition.value() < 0 || partition.value() >= network::kDelayedPartitions) return;
  auto& log = logs_.at(static_cast<std::size_t>(partition.value()));
  if (log != nullptr && !log->is_current()) {
    log->close();
    log.reset();
  }
  const auto* here = context_.partitions.find(home().log(partition.value()));
  if (log == nullptr && here != nullptr && here->is_leader())
    log = std::make_shared<DelayedLog>(log_context_, *here);
  if (log != nullptr) log->read_on();
}

void DelayedRecords::tick() {
  // What could not be read is tried again.
  for (std::int32_t p = 0; p < network::kDelayedPartitions; ++p) look(PartitionId(p));
  if (std::exchange(is_removal_due_, false)) {
    for (const auto& log : logs_) {
      if (log != nullptr) log->look_for_gone();
    }
  }
  targets_.close_idle();
  count();
}

void DelayedRecords::count() const {
  std::size_t parked = 0;
  for (const auto& log : logs_) parked += log == nullptr ? 0 : log->promotions().size();
  parked_.set(static_cast<double>(parked));
}

void DelayedRecords::park(const TopicDefinition& topic,
                          PartitionId partition,
                          Bytes batch,
                          Acks acks,
                          Partition::AppendDone done) {
  if (partition.value() < 0 || partition.value() >= topic.partitions) {
    return done(
        fail(Errc::kUnknownTopicOrPartition,
             "topic \"" + topic.name + "\" has no partition " + std::to_string(partition.value())));
  }
  if (auto opened = hooks_.open(); !opened) return done(pass(opened));
  const auto home = home_of(topic, partition);
  look(home.partition);
  const auto& log = logs_.at(static_cast<std::size_t>(home.partition.value()));
  if (log == nullptr || !log->is_current()) {
    return done(fail(Errc::kNotLeader,
                     "another broker keeps the delayed records of partition " +
                         std::to_string(partition.value()) + " of \"" + topic.name + "\"",
                     hooks_.leader_address(home)));
  }
  log->park({topic.incarnation.topic, partition}, batch, acks, std::move(done));
}

DelayedRecords::View DelayedRecords::view() const {
  View view;
  for (std::int32_t p = 0; p < network::kDelayedPartitions; ++p) {
    const auto& log = logs_.at(static_cast<std::size_t>(p));
    if (log == nullptr || !log->is_current()) continue;
    view.led.emplace_back(p);
    if (!log->is_ready()) view.reading.emplace_back(p);
    for (const auto& [target, waiting] : log->promotions().waiting()) {
      auto& topic = view.topics[target.topic];
      topic.records += waiting.records;
      topic.bytes += waiting.bytes;
      if (!waiting.next_due_ms) continue;
      topic.next_due_ms =
          std::min(topic.next_due_ms.value_or(*waiting.next_due_ms), *waiting.next_due_ms);
    }
  }
  return view;
}

}  // namespace xylem::broker
