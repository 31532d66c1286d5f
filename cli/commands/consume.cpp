#include "cli/commands/consume.h"

#include "cli/client_runtime.h"
#include "cli/output.h"
#include "cli/topic_lookup.h"
#include "common/batch/batch.h"
#include "network/client/consumer.h"

#include <map>
#include <set>
#include <utility>

namespace xylem::cli {
namespace {

using network::DeliveredBatch;

class ConsumeJob {
 public:
  ConsumeJob(ClientRuntime& runtime, const ConsumeOptions& options)
      : runtime_(runtime),
        options_(options),
        consumer_(runtime.context(), consumer_options(), handlers()) {
    runtime.on_interrupt([this] { end(ExitCode::kInterrupted); });
    consumer_.start();
  }

 private:
  [[nodiscard]] network::Consumer::Options consumer_options() const {
    using Commit = network::Consumer::Commit;
    network::Consumer::Options consumer{.brokers = options_.brokers,
                                        .client_id = "xylem-consume",
                                        .group = options_.group,
                                        .instance = options_.instance,
                                        .topics = {options_.topic},
                                        .partition = options_.partition,
                                        .filter = options_.filter};
    consumer.start = options_.start;
    consumer.start_offset = options_.start_offset;
    consumer.commit = options_.group.empty() ? Commit::kAutomatic : Commit::kManual;
    return consumer;
  }

  network::Consumer::Handlers handlers() {
    network::Consumer::Handlers handlers;
    handlers.batch = [this](const DeliveredBatch& batch) { return on_batch(batch); };
    handlers.gap = [this](const network::Gap& gap) { on_gap(gap); };
    handlers.error = [this](const Error& error) { on_error(error); };
    handlers.subscribed = [this](const network::SubscribeAnswer& answer) { on_subscribed(answer); };
    return handlers;
  }

  void on_gap(const network::Gap& gap) {
    if (is_over_) return;
    complain("gap: partition " + std::to_string(gap.partition.value()) + " of " + gap.topic +
             ": records from " + std::to_string(gap.from.value()) + " to below " +
             std::to_string(gap.to.value()) + " are gone (" +
             std::string(network::to_string(gap.reason)) + ")");
    commit(gap.partition, gap.to);
    reached(gap.partition, gap.to);
  }

  void reached(PartitionId partition, Offset next) {
    if (const auto limit = ends_.find(partition); limit != ends_.end() && next >= limit->second)
      ends_.erase(limit);
    end_if_done();
  }

  // What the broker finds wrong with the request it finds wrong again; who has lost its instance to
  // another one gets nothing any more.
  void on_error(const Error& error) {
    complain(error.what());
    if (error.code() == Errc::kUnknownMember) end(ExitCode::kFailed);
    if (error.code() == Errc::kInvalidRequest && subscribed_.empty()) end(ExitCode::kUsage);
  }

  void on_subscribed(const network::SubscribeAnswer& answer) {
    if (is_subscribed_ || options_.follow) return;
    for (const auto& partition : answer.partitions) {
      if (subscribed_.insert(partition.partition).second &&
          partition.cursor < partition.high_watermark)
        ends_[partition.partition] = partition.high_watermark;
    }
    is_subscribed_ = answer.elsewhere.empty();
    end_if_done();
  }

  Status on_batch(const DeliveredBatch& batch) {
    if (is_over_) return {};
    text_.clear();
    auto next = batch.next_offset;
    auto walked = append_records(batch, next);
    if (!write_out(text_) || !flush_out()) {
      end(ExitCode::kOk);  // the reader left
      return {};
    }
    commit(batch.partition, next);
    if (!walked) return walked;
    reached(batch.partition, next);
    return {};
  }

  // `next` becomes where to go on, when `count` ends the walk early.
  Status append_records(const DeliveredBatch& delivered, Offset& next) {
    auto left = delivered.batches.bytes;
    while (!left.empty()) {
      auto header = read_batch_header(left);
      if (!header) return pass(header);
      auto reader = BatchReader::open(left.first(header->bytes));
      if (!reader) return pass(reader);
      left = left.subspan(header->bytes);
      while (auto record = reader->next()) {
        if (!*record) return pass(*record);
        if ((*record)->offset < delivered.first_offset) continue;
        if (has_enough()) {
          next = (*record)->offset;
          return {};
        }
        text_ +=
            record_text(options_.output, delivered.topic, delivered.partition, *header, **record);
        ++written_;
      }
    }
    return {};
  }

  void commit(PartitionId partition, Offset next) {
    if (options_.group.empty()) return;
    ++commits_open_;
    consumer_.commit(options_.topic, partition, next, [this](const Status& done) {
      --commits_open_;
      if (!done) {
        complain("commit: " + done.error().what());
        code_ = ExitCode::kFailed;
      }
      finish_if_settled();
    });
  }

  [[nodiscard]] bool has_enough() const { return options_.count > 0 && written_ >= options_.count; }

  void end_if_done() {
    if (has_enough() || (is_subscribed_ && !options_.follow && ends_.empty())) end(ExitCode::kOk);
  }

  void end(ExitCode code) {
    if (std::exchange(is_over_, true)) return;
    consumer_.pause();
    if (code_ == ExitCode::kOk) code_ = code;
    finish_if_settled();
  }

  void finish_if_settled() {
    if (is_over_ && commits_open_ == 0) runtime_.finish(code_);
  }

  ClientRuntime& runtime_;
  const ConsumeOptions& options_;
  std::set<PartitionId> subscribed_;
  std::map<PartitionId, Offset> ends_;  // where to stop; reached ones are gone
  std::string text_;
  std::int64_t written_ = 0;
  std::int64_t commits_open_ = 0;
  bool is_subscribed_ = false;  // to all of them
  bool is_over_ = false;
  ExitCode code_ = ExitCode::kOk;
  network::Consumer consumer_;
};

}  // namespace

ExitCode run_consume(const ConsumeOptions& options) {
  ClientRuntime runtime;
  auto topic = find_topic(runtime, options.brokers, options.topic);
  if (!topic) return report(topic.error());
  if (options.partition && options.partition->value() >= std::ssize(topic->partitions)) {
    complain(options.topic + " has no partition " + std::to_string(options.partition->value()));
    return ExitCode::kNotFound;
  }
  const ConsumeJob job(runtime, options);
  return runtime.run();
}

}  // namespace xylem::cli
