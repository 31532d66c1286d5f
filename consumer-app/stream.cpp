#include "consumer-app/stream.h"

#include "common/check.h"
#include "consumer-app/record_walk.h"

#include <algorithm>
#include <utility>

namespace xylem::consumer_app {

Stream::Stream(const Context& context, Options options)
    : context_(context),
      options_(std::move(options)),
      batches_(context.metrics.counter("xylem_consumer_batches_total", "Deliveries taken.")),
      dropped_(context.metrics.counter("xylem_consumer_dropped_batches_total",
                                       "Deliveries of a refresh that is not ours, or is over.")),
      refreshes_(context.metrics.counter("xylem_consumer_refreshes_total",
                                         "Copies rebuilt and swapped in.")),
      gaps_(context.metrics.counter("xylem_delivery_gaps_total",
                                    "Times that the broker told that retention was faster.")),
      gap_records_(context.metrics.counter("xylem_delivery_gap_records_total",
                                           "Offsets that the broker told to be gone.")) {
  for (const auto& topic : options_.topics) topics_.try_emplace(topic, topic, TopicCopies());
}

Stream::~Stream() = default;

void Stream::start(const Copies& copies) {
  context_.loop.check_here();
  for (const auto& [topic, both] : copies) {
    if (topics_.contains(topic)) topics_.insert_or_assign(topic, TopicState(topic, both));
  }
  context_.applier.on_pressure([this](bool pressed) {
    if (!consumer_) return;
    if (pressed) {
      consumer_->pause();
    } else {
      consumer_->resume();
    }
  });
  for (auto& [name, state] : topics_) {
    perform(name, state.on_start(), nullptr);
    if (!state.is_rebuilding()) after_swap(name);  // a stop may have come between swap and removal
  }
  subscribe();
}

const TopicState* Stream::topic(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : &found->second;
}

void Stream::subscribe() {
  consumer_ = std::make_unique<network::Consumer>(
      network::Consumer::Context{context_.loop, context_.network, context_.clock, context_.random,
                                 context_.logger},
      network::Consumer::Options{.brokers = options_.brokers,
                                 .client_id = options_.client_id,
                                 .group = options_.group,
                                 .topics = options_.topics,
                                 .partition = std::nullopt,
                                 .start = network::StartAt::kEarliest,
                                 .reset = network::StartAt::kEarliest,
                                 .start_offset = {},
                                 .commit = network::Consumer::Commit::kOwnCursors,
                                 .retry = options_.retry},
      handlers());
  consumer_->start();
  if (context_.applier.is_under_pressure()) consumer_->pause();
}

// Not now: a handler of the old consumer may be running.
void Stream::subscribe_anew() {
  if (std::exchange(subscribing_anew_, true)) return;
  const bool posted = context_.loop.post([this, alive = std::weak_ptr(alive_)] {
    if (!alive.lock()) return;
    subscribing_anew_ = false;
    subscribe();
  });
  XYLEM_CHECK(posted);
}

network::Consumer::Handlers Stream::handlers() {
  network::Consumer::Handlers handlers;
  handlers.batch = [this](const auto& batch) { return on_batch(batch); };
  handlers.gap = [this](const network::Gap& gap) { on_gap(gap); };
  handlers.error = [this](const Error& error) { on_error(error); };
  handlers.reset = [this](const network::Refresh& reset) {
    context_.logger.info(
        "refresh.reset",
        {{"topic", reset.topic}, {"refresh", reset.refresh_id}, {"reason", reset.reason}});
    if (auto* state = taking(reset.topic)) perform(reset.topic, state->on_reset(reset), &reset);
  };
  handlers.ready = [this](const network::Refresh& ready) {
    context_.logger.info("refresh.ready", {{"topic", ready.topic}, {"refresh", ready.refresh_id}});
    if (auto* state = taking(ready.topic)) perform(ready.topic, state->on_ready(ready), &ready);
  };
  handlers.cursor = [this](std::string_view topic, PartitionId partition) {
    return cursor(topic, partition);
  };
  handlers.subscribed = [this](const network::SubscribeAnswer& answer) {
    context_.logger.info("stream.subscribed", {{"topic", answer.topic}});
    last_error_.clear();
    if (auto* state = taking(answer.topic))
      perform(answer.topic, state->on_subscribed(answer, log_ends(answer)), nullptr);
  };
  return handlers;
}

Cursors Stream::log_ends(const network::SubscribeAnswer& answer) const {
  Cursors ends;
  for (const auto& one : answer.partitions) {
    if (const auto log = context_.log.find({answer.incarnation, one.partition}))
      ends[one.partition] = log->end_offset();
  }
  return ends;
}

TopicState* Stream::find(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : &found->second;
}

TopicState* Stream::taking(std::string_view topic) {
  return context_.applier.health(topic) ? find(topic) : nullptr;
}

Status Stream::on_batch(const network::DeliveredBatch& batch) {
  // An error keeps its credit, so that the broker sends no more of what would be dropped.
  if (auto taken = context_.applier.health(batch.topic); !taken) return taken;
  auto* state = find(batch.topic);
  if (state == nullptr) {
    dropped_.add();
    return {};
  }
  auto readable =
      walk_batches(batch.batches.bytes, [](const auto&, const auto&) { return Status(); });
  if (!readable) return pass(readable, batch.topic);
  batches_.add();
  perform(std::string(batch.topic), state->on_batch(batch), nullptr);
  return {};
}

void Stream::on_gap(const network::Gap& gap) {
  context_.logger.warn("stream.gap", {{"topic", gap.topic},
                                      {"partition", gap.partition.value()},
                                      {"from", gap.from.value()},
                                      {"to", gap.to.value()},
                                      {"reason", network::to_string(gap.reason)}});
  gaps_.add();
  gap_records_.add(static_cast<std::uint64_t>(gap.to - gap.from));
  if (auto* state = taking(gap.topic)) perform(gap.topic, state->on_gap(gap), nullptr);
}

std::optional<network::Cursor> Stream::cursor(std::string_view topic, PartitionId partition) {
  const auto* state = find(topic);
  auto cursor = state == nullptr ? std::nullopt : state->cursor(partition);
  if (!cursor) return std::nullopt;
  const auto log = context_.log.find({cursor->incarnation, partition});
  if (!log) return std::nullopt;
  cursor->offset =
      std::min(cursor->offset, std::max(log->end_offset(), state->skipped_to(partition)));
  return cursor;
}

void Stream::perform(const std::string& topic, Effects effects, const network::Refresh* frame) {
  if (effects.dropped) dropped_.add();
  for (auto& change : effects.changes) context_.applier.push(std::move(change));
  if (effects.swapped) {
    refreshes_.add();
    context_.logger.info("refresh.swapped", {{"topic", topic}});
    after_swap(topic);
  }
  if (effects.resubscribe) subscribe_anew();
  if (frame == nullptr || !effects.acknowledge) return;
  context_.applier.after_commit(topic, [this, alive = std::weak_ptr(alive_),
                                        type = *effects.acknowledge, acknowledged = *frame] {
    if (alive.lock() && consumer_) consumer_->acknowledge(type, acknowledged);
  });
}

void Stream::after_swap(const std::string& topic) {
  context_.applier.after_commit(topic, [this, alive = std::weak_ptr(alive_), topic] {
    if (!alive.lock()) return;
    const auto* state = find(topic);
    const auto incarnation = state->incarnation();
    if (!incarnation || state->is_rebuilding()) return;
    if (auto kept = context_.log.keep_only(topic, *incarnation); !kept)
      context_.logger.warn("log.remove_failed", {{"error", kept.error().what()}});
  });
}

void Stream::on_error(const Error& error) {
  last_error_ = error.what();
  context_.logger.debug("stream.error", {{"error", error.what()}});
}

}  // namespace xylem::consumer_app
