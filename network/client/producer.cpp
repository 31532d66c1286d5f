#include "network/client/producer.h"

#include "common/batch/batch.h"
#include "common/batch/due_time.h"
#include "common/check.h"
#include "common/timer.h"
#include "network/client/batch_queue.h"
#include "network/client/flush_tracker.h"
#include "network/client/leader_directory.h"
#include "network/client/partition_sender.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::uint64_t kSweepMaxMs = 500;

Producer::Options effective(Producer::Options options) {
  options.idempotent = options.idempotent && options.acks == -1;
  if (options.idempotent)
    options.in_flight_max = std::min(options.in_flight_max, Producer::kIdempotentInFlightMax);
  return options;
}

// Random: no round trip, and no two producers alike.
BatchProducer first_number(Random& random) {
  return {.id = static_cast<std::int64_t>(random.next() >> 1U), .epoch = 0, .sequence = 0};
}

ClientSession::Options session_options(const Producer::Options& options) {
  return {.brokers = options.brokers,
          .client_id = options.client_id,
          .token = {},
          .connect_timeout_ms = options.connect_timeout_ms,
          .backoff_ms = options.retry_backoff_ms,
          .backoff_max_ms = options.retry_backoff_max_ms};
}

}  // namespace

class Producer::Impl {
 public:
  Impl(const Context& context, Options options)
      : context_(context),
        options_(effective(std::move(options))),
        number_(options_.idempotent ? first_number(context.random) : BatchProducer()),
        leaders_(context,
                 session_options(options_),
                 options_.request_timeout_ms,
                 [this] { leaders_changed(); }),
        linger_(context.loop),
        sweep_(context.loop),
        settle_(context.loop) {}

  ~Impl() {
    context_.loop.check_here();
    is_closing_ = true;
    const Error why(Errc::kCancelled, "the producer was closed");
    for (auto& [name, topic] : topics_) {
      for (auto& [lane, sender] : topic.senders) sender->queue().cancel(why);
      for (auto& given : std::exchange(topic.unassigned, {}))
        finish(given.promise, std::unexpected(why));
    }
    collect_all();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status give(std::string_view topic,
              std::optional<PartitionId> partition,
              Record record,
              Callback callback);
  void flush(std::function<void()> done);

  void on_room(std::function<void()> callback) { room_ = std::move(callback); }

  [[nodiscard]] std::size_t buffered_bytes() const { return buffered_bytes_; }

 private:
  struct Given {
    Record record;
    Promise promise;
    std::optional<PartitionId> partition;
    std::int64_t given_ms = 0;
    bool is_delayed = false;
  };

  struct Lane {
    PartitionId partition;
    bool is_delayed = false;
    auto operator<=>(const Lane&) const = default;
  };

  struct Topic {
    std::deque<Given> unassigned;  // until the number of partitions is known
    std::map<Lane, std::unique_ptr<PartitionSender>> senders;
    std::uint64_t round_robin = 0;
  };

  Status admit(std::string_view topic, std::size_t bytes);
  Status assign(const std::string& name, Topic& topic, Given& given);
  PartitionId choose(Topic& topic, const Given& given, std::int32_t partition_count) const;
  PartitionSender& sender_of(const std::string& name, Topic& topic, const Lane& lane);
  [[nodiscard]] Result<bool> is_delayed(const Record& record) const;
  void seal(Topic& topic);
  void leaders_changed();
  void linger_passed();
  void sweep();
  void expire_unassigned(const std::string& name, Topic& topic);
  void collect(PartitionSender& sender);
  void collect_all();
  void finish(Promise& promise, Result<Delivered> result);
  void tell_waiters();

  Context context_;
  Options options_;
  BatchProducer number_;  // of each partition's first batch
  LeaderDirectory leaders_;
  std::map<std::string, Topic, std::less<>> topics_;
  FlushTracker flushes_;
  Timer linger_;
  Timer sweep_;
  Timer settle_;  // what was settled inside a call is told outside of it
  std::function<void()> room_;
  std::size_t buffered_bytes_ = 0;
  bool was_refused_ = false;
  bool is_closing_ = false;
};

Status Producer::Impl::admit(std::string_view topic, std::size_t bytes) {
  if (is_closing_) return fail(Errc::kCancelled, "the producer was closed");
  if (auto checked = check_topic_name(topic); !checked) return checked;
  if (bytes + kBatchHeaderBytes > kBatchBytesMax || bytes > options_.buffer_bytes_max)
    return fail(Errc::kMessageTooLarge, "a record of " + std::to_string(bytes) + " bytes");
  if (buffered_bytes_ + bytes > options_.buffer_bytes_max) {
    was_refused_ = true;
    return fail(Errc::kQuotaExceeded, "the producer's buffer is full", "wait for room");
  }
  return {};
}

Status Producer::Impl::give(std::string_view topic,
                            std::optional<PartitionId> partition,
                            Record record,
                            Callback callback) {
  context_.loop.check_here();
  const auto bytes = record_bytes_max(record);
  if (auto admitted = admit(topic, bytes); !admitted) return admitted;
  const auto delayed = is_delayed(record);
  if (!delayed) return std::unexpected(delayed.error());
  if (record.timestamp_ms == 0) record.timestamp_ms = context_.clock.wall_ms();
  auto found = topics_.find(topic);
  if (found == topics_.end()) found = topics_.try_emplace(std::string(topic)).first;
  auto& state = found->second;
  Given given{.record = std::move(record),
              .promise = {std::move(callback), flushes_.given(), bytes},
              .partition = partition,
              .given_ms = context_.clock.monotonic_ms(),
              .is_delayed = *delayed};
  if (state.unassigned.empty() && leaders_.metadata().partition_count(topic)) {
    if (auto assigned = assign(found->first, state, given); !assigned) {
      flushes_.settled(given.promise.flush_number);
      return assigned;
    }
    if (flushes_.is_flushing()) seal(state);
  } else {
    state.unassigned.push_back(std::move(given));
    leaders_.refresh(found->first);
  }
  buffered_bytes_ += bytes;
  if (!sweep_.is_active()) {
    const auto every_ms =
        std::clamp<std::uint64_t>(options_.delivery_timeout_ms / 10, 1, kSweepMaxMs);
    sweep_.start(every_ms, every_ms, [this] { sweep(); });
  }
  return {};
}

// What is due already goes as any other.
Result<bool> Producer::Impl::is_delayed(const Record& record) const {
  const auto due_ms = due_at(record);
  if (!due_ms) return std::unexpected(due_ms.error());
  if (!*due_ms) return false;
  const auto now_ms = context_.clock.wall_ms();
  if (auto bounded = check_due_at(**due_ms, now_ms); !bounded) return pass(bounded);
  return **due_ms > now_ms;
}

Status Producer::Impl::assign(const std::string& name, Topic& topic, Given& given) {
  const auto count = leaders_.metadata().partition_count(name).value_or(0);
  XYLEM_CHECK(count > 0);
  const auto partition = choose(topic, given, count);
  if (partition.value() < 0 || partition.value() >= count)
    return fail(Errc::kUnknownTopicOrPartition,
                name + " has no partition " + std::to_string(partition.value()));
  auto& sender = sender_of(name, topic, {partition, given.is_delayed});
  auto& queue = sender.queue();
  if (auto added = queue.append(given.record, given.promise, given.given_ms); !added) return added;
  sender.pump();
  if (queue.has_settled()) settle_.start(0, 0, [this] { collect_all(); });
  if (queue.open_since_ms() && !linger_.is_active())
    linger_.start(options_.linger_ms, 0, [this] { linger_passed(); });
  return {};
}

PartitionId Producer::Impl::choose(Topic& topic,
                                   const Given& given,
                                   std::int32_t partition_count) const {
  if (given.partition) return *given.partition;
  if (options_.partitioner == Partitioner::kCustom)
    return options_.custom(given.record, partition_count);
  if (options_.partitioner == Partitioner::kKeyHash && given.record.key)
    return partition_by_key(bytes_of(*given.record.key), partition_count);
  const auto turn = topic.round_robin++;
  return PartitionId(static_cast<std::int32_t>(turn % static_cast<std::uint64_t>(partition_count)));
}

PartitionSender& Producer::Impl::sender_of(const std::string& name,
                                           Topic& topic,
                                           const Lane& lane) {
  auto& sender = topic.senders[lane];
  if (sender == nullptr)
    sender = std::make_unique<PartitionSender>(
        context_, options_, leaders_,
        PartitionSender::Target{
            .topic = name, .partition = lane.partition, .is_delayed = lane.is_delayed},
        number_, [this](PartitionSender& settled) {
          collect(settled);
          tell_waiters();
        });
  return *sender;
}

// What is open goes out now: nobody waits for more.
void Producer::Impl::seal(Topic& topic) {
  for (auto& [lane, sender] : topic.senders) {
    sender->queue().seal();
    sender->pump();
  }
}

void Producer::Impl::leaders_changed() {
  for (auto& [name, topic] : topics_) {
    if (!topic.unassigned.empty() && leaders_.metadata().partition_count(name)) {
      for (auto& given : std::exchange(topic.unassigned, {}))
        if (auto assigned = assign(name, topic, given); !assigned)
          finish(given.promise, std::unexpected(assigned.error()));
      if (flushes_.is_flushing()) seal(topic);
    }
    for (auto& [lane, sender] : topic.senders) sender->pump();
  }
  collect_all();
}

void Producer::Impl::linger_passed() {
  const auto now_ms = context_.clock.monotonic_ms();
  const auto linger_ms = static_cast<std::int64_t>(options_.linger_ms);
  std::optional<std::int64_t> next_ms;
  for (auto& [name, topic] : topics_) {
    for (auto& [lane, sender] : topic.senders) {
      const auto since_ms = sender->queue().open_since_ms();
      if (!since_ms) continue;
      const auto left_ms = *since_ms + linger_ms - now_ms;
      if (left_ms > 0) {
        next_ms = std::min(next_ms.value_or(left_ms), left_ms);
        continue;
      }
      sender->queue().seal();
      sender->pump();
    }
  }
  if (next_ms) linger_.start(static_cast<std::uint64_t>(*next_ms), 0, [this] { linger_passed(); });
  collect_all();
}

void Producer::Impl::sweep() {
  const auto given_ms_max =
      context_.clock.monotonic_ms() - static_cast<std::int64_t>(options_.delivery_timeout_ms);
  for (auto& [name, topic] : topics_) {
    expire_unassigned(name, topic);
    for (auto& [lane, sender] : topic.senders) sender->expire(given_ms_max);
  }
  leaders_.drop_unused();
  collect_all();
  if (buffered_bytes_ == 0) sweep_.stop();
}

void Producer::Impl::expire_unassigned(const std::string& name, Topic& topic) {
  const bool is_unknown = leaders_.metadata().is_unknown(name);
  const auto wait_ms = is_unknown ? std::min(options_.topic_wait_ms, options_.delivery_timeout_ms)
                                  : options_.delivery_timeout_ms;
  const auto given_ms_max = context_.clock.monotonic_ms() - static_cast<std::int64_t>(wait_ms);
  while (!topic.unassigned.empty() && topic.unassigned.front().given_ms <= given_ms_max) {
    auto given = std::move(topic.unassigned.front());
    topic.unassigned.pop_front();
    finish(given.promise, is_unknown
                              ? fail(Errc::kUnknownTopicOrPartition, "there is no topic " + name)
                              : fail(Errc::kTimeout, "no broker could be asked about " + name));
  }
}

void Producer::Impl::collect(PartitionSender& sender) {
  for (auto& batch : sender.queue().take_settled()) {
    auto result = std::move(*batch.outcome);
    for (auto& promise : batch.promises) {
      finish(promise, result);
      if (result && result->offset.value() >= 0) result->offset = result->offset + 1;
    }
  }
}

void Producer::Impl::collect_all() {
  for (auto& [name, topic] : topics_)
    for (auto& [lane, sender] : topic.senders) collect(*sender);
  tell_waiters();
}

void Producer::Impl::finish(Promise& promise, Result<Delivered> result) {
  buffered_bytes_ -= promise.bytes;
  flushes_.settled(promise.flush_number);
  if (promise.callback) promise.callback(std::move(result));
}

void Producer::Impl::tell_waiters() {
  for (const auto& done : flushes_.take_done())
    if (done) done();
  if (!was_refused_ || buffered_bytes_ > options_.buffer_bytes_max / 2 || is_closing_) return;
  was_refused_ = false;
  if (room_) room_();
}

void Producer::Impl::flush(std::function<void()> done) {
  context_.loop.check_here();
  flushes_.flush(std::move(done));
  for (auto& [name, topic] : topics_) seal(topic);
  settle_.start(0, 0, [this] { collect_all(); });
}

Producer::Producer(const Context& context, Options options)
    : impl_(std::make_unique<Impl>(context, std::move(options))) {}

Producer::~Producer() = default;

Status Producer::send(std::string_view topic, Record record, Callback callback) {
  return impl_->give(topic, std::nullopt, std::move(record), std::move(callback));
}

Status Producer::send_to(std::string_view topic,
                         PartitionId partition,
                         Record record,
                         Callback callback) {
  return impl_->give(topic, partition, std::move(record), std::move(callback));
}

void Producer::flush(std::function<void()> done) { impl_->flush(std::move(done)); }

void Producer::on_room(std::function<void()> callback) { impl_->on_room(std::move(callback)); }

std::size_t Producer::buffered_bytes() const { return impl_->buffered_bytes(); }

}  // namespace xylem::network
