#include "consumer-app/applier.h"

#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::consumer_app {
namespace {

std::size_t bytes_of_change(const Change& change) {
  const auto* batches = std::get_if<ApplyBatches>(&change);
  return batches != nullptr ? batches->batches.bytes.size() : 0;
}

const std::string& topic_of(const Change& change) {
  return std::visit([](const auto& one) -> const std::string& { return one.topic; }, change);
}

// Whether trying the same again may help.
bool passes(Errc code) { return code == Errc::kDiskFull || code == Errc::kUnavailable; }

}  // namespace

Applier::Applier(const Context& context, std::unique_ptr<ViewStore> store, const Limits& limits)
    : context_(context),
      limits_(limits),
      store_(std::move(store)),
      applied_(store_->copies()),
      transactions_(context.metrics.counter("xylem_consumer_transactions_total",
                                            "Transactions committed to the view.")),
      failures_(context.metrics.counter("xylem_consumer_transaction_failures_total",
                                        "Groups that failed and were tried again.")),
      queue_gauge_(context.metrics.gauge("xylem_consumer_queue_bytes",
                                         "Batches received but not yet committed.")),
      stopped_gauge_(context.metrics.gauge("xylem_consumer_stopped_topics",
                                           "Topics whose log failed for good.")),
      retry_(context.loop) {
  answer([this] { pump(); });
}

Applier::~Applier() = default;

void Applier::push(Change change) {
  context_.loop.check_here();
  if (stopped_.contains(topic_of(change))) return;
  queued_bytes_ += bytes_of_change(change);
  queue_.push_back({topic_of(change), std::move(change), nullptr});
  relieve();
  pump();
}

void Applier::after_commit(const std::string& topic, std::function<void()> done) {
  context_.loop.check_here();
  if (stopped_.contains(topic)) return;
  queue_.push_back({topic, {}, std::move(done)});
  answer([this] { pump(); });
}

Status Applier::health(std::string_view topic) const {
  const auto found = stopped_.find(topic);
  if (found == stopped_.end()) return {};
  return std::unexpected(found->second);
}

void Applier::pump() {
  while (!busy_ && !queue_.empty() && queue_.front().done) {
    const auto done = std::move(queue_.front().done);
    queue_.pop_front();
    done();  // may push, and so come here again
  }
  if (busy_) return;
  if (dropping_ && (queue_.empty() || !dropped_last_)) return drop_some();
  if (!queue_.empty()) commit(take_group());
}

Applier::Group Applier::take_group() {
  std::vector<Change> group;
  std::size_t bytes = 0;
  while (!queue_.empty() && !queue_.front().done && bytes < limits_.group_bytes_max &&
         group.size() < limits_.group_changes_max) {
    bytes += bytes_of_change(queue_.front().change);
    group.push_back(std::move(queue_.front().change));
    queue_.pop_front();
    // What comes for the shadow may reach the log only once the view knows of it (view_origins.h).
    if (std::holds_alternative<BeginShadow>(group.back())) break;
  }
  return std::make_shared<std::vector<Change>>(std::move(group));
}

void Applier::commit(const Group& group) {
  busy_ = true;
  dropped_last_ = false;
  if (auto appended = append_to_log(*group); !appended) return on_failed(group, appended);
  hand_to_worker([this, group = without_stopped(group)] {
    const auto status = store_->apply(*group);
    answer([this, group, outcome = Outcome{status, store_->copies(), store_->records_applied()}] {
      on_committed(group, outcome);
    });
  });
}

// A damaged file stays damaged: nothing is tried again, and the queue fills until it is replaced.
void Applier::on_failed(const Group& group, const Status& status) {
  const bool damaged = status.error().code() == Errc::kCorrupt;
  if (health_) {
    context_.logger.error(damaged ? "view.damaged" : "view.commit_failed",
                          {{"error", status.error().what()}, {"retry_ms", limits_.retry_ms}});
  }
  failures_.add();
  health_ = status;
  if (!damaged) return retry_.start(limits_.retry_ms, 0, [this, group] { commit(group); });
  if (const auto told = std::exchange(on_damaged_, nullptr)) told();
}

void Applier::on_committed(const Group& group, Outcome outcome) {
  if (!outcome.status) return on_failed(group, outcome.status);
  applied_ = std::move(outcome.copies);
  records_applied_ = outcome.records_applied;
  if (!health_) context_.logger.info("view.commit_resumed");
  health_ = {};
  transactions_.add();
  for (const auto& change : *group) {
    queued_bytes_ -= bytes_of_change(change);
    dropping_ = dropping_ || !std::holds_alternative<ApplyBatches>(change);
  }
  busy_ = false;
  if (on_applied_) on_applied_();
  relieve();
  pump();
}

void Applier::drop_some() {
  busy_ = true;
  dropped_last_ = true;
  hand_to_worker([this] {
    answer([this, more = store_->drop_some(limits_.drop_entries_max)] { on_dropped(more); });
  });
}

void Applier::on_dropped(const Result<bool>& more) {
  if (!more && more.error().code() == Errc::kCorrupt)
    return on_failed(nullptr, std::unexpected(more.error()));
  if (!more) context_.logger.warn("view.drop_failed", {{"error", more.error().what()}});
  dropping_ = more.value_or(false);
  busy_ = false;
  pump();
}

Status Applier::append_to_log(std::vector<Change>& group) {
  for (auto& change : group) {
    auto* one = std::get_if<ApplyBatches>(&change);
    if (one == nullptr) continue;
    const storage::LogName name{one->topic, {one->incarnation, one->partition}};
    if (stopped_.contains(one->topic)) continue;
    auto appended = context_.log.append(name, one->batches.bytes);
    if (appended) {
      one->is_new_in_log = one->is_new_in_log || *appended;  // the second time it is there
      continue;
    }
    if (passes(appended.error().code())) return pass(appended);
    stop(one->topic, appended.error());
  }
  return {};
}

Applier::Group Applier::without_stopped(const Group& group) {
  if (stopped_.empty()) return group;
  std::vector<Change> kept;
  for (const auto& change : *group) {
    if (stopped_.contains(topic_of(change))) {
      queued_bytes_ -= bytes_of_change(change);
    } else {
      kept.push_back(change);
    }
  }
  return std::make_shared<std::vector<Change>>(std::move(kept));
}

void Applier::stop(const std::string& topic, const Error& why) {
  context_.logger.error(
      "topic.stopped",
      {{"topic", topic}, {"error", why.what()}, {"hint", "mend the cause, then restart"}});
  stopped_.emplace(topic, why);
  stopped_gauge_.set(static_cast<double>(stopped_.size()));
  std::erase_if(queue_, [&](const Item& item) {
    if (item.topic != topic) return false;
    if (!item.done) queued_bytes_ -= bytes_of_change(item.change);
    return true;
  });
}

// One task at a time is out, so the queue cannot be full.
void Applier::hand_to_worker(std::function<void()> work) {
  XYLEM_CHECK(worker_.submit(std::move(work)));
}

// Runs it on the loop unless this object is gone by then.
void Applier::answer(std::function<void()> on_loop) {
  context_.loop.answer([alive = std::weak_ptr(alive_), run = std::move(on_loop)] {
    if (alive.lock()) run();
  });
}

void Applier::relieve() {
  queue_gauge_.set(static_cast<double>(queued_bytes_));
  const bool pressed =
      queued_bytes_ >= (pressed_ ? limits_.queue_bytes_low : limits_.queue_bytes_high);
  if (std::exchange(pressed_, pressed) != pressed && pressure_) pressure_(pressed);
}

}  // namespace xylem::consumer_app
