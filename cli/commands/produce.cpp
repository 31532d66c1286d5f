#include "cli/commands/produce.h"

#include "cli/client_runtime.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record_source.h"
#include "cli/topic_lookup.h"
#include "common/batch/due_time.h"
#include "common/timer.h"
#include "network/client/producer.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::int64_t kComplaintsMax = 10;  // of one sort; the rest is counted

class ProduceJob {
 public:
  ProduceJob(ClientRuntime& runtime,
             const ProduceOptions& options,
             std::unique_ptr<RecordSource> source)
      : runtime_(runtime),
        options_(options),
        source_(std::move(source)),
        producer_(runtime.context(),
                  {.brokers = options.brokers,
                   .client_id = "xylem-produce",
                   .acks = options.acks,
                   .delivery_timeout_ms = options.timeout_ms,
                   .compression = options.compression}),
        pace_(runtime.loop()),
        progress_(Progress::on_standard_error(runtime.clock())),
        started_ms_(runtime.clock().monotonic_ms()) {
    runtime.on_interrupt([this] {
      interrupted_ = true;
      end_input();
    });
    pump();
  }

  ExitCode finish() {
    progress_.clear();
    for (const auto& [reason, count] : reasons_) {
      if (count > 1) complain(with_commas(count) + " records: " + reason);
    }
    if (options_.json) {
      const auto text = "{\"sent\":" + std::to_string(delivered_) +
                        ",\"failed\":" + std::to_string(failed_) +
                        ",\"malformed\":" + std::to_string(malformed_) +
                        ",\"bytes\":" + std::to_string(bytes_) + "}\n";
      if (!write_out(text) || !flush_out()) return ExitCode::kFailed;
    } else {
      complain("produced " + progress_.summary(delivered_, bytes_) + "; " + with_commas(failed_) +
               " failed, " + with_commas(malformed_) + " malformed");
    }
    if (interrupted_) return ExitCode::kInterrupted;
    if (first_error_ && delivered_ == 0) return exit_code_of(*first_error_);
    return failed_ + malformed_ > 0 ? ExitCode::kFailed : ExitCode::kOk;
  }

 private:
  // Sends what is there and may go now, then asks for more.
  void pump() {
    while (!waiting_.empty() && !is_over_) {
      if (options_.count > 0 && taken_ >= options_.count) return end_input();
      if (!may_send_now()) return;
      if (!send(waiting_.front())) return;
      waiting_.pop_front();
      ++taken_;
    }
    if (is_over_ || is_reading_) return;
    if (is_last_) return end_input();
    is_reading_ = true;
    source_->more([this](auto portion) { take(std::move(portion)); });
  }

  void take(Result<RecordSource::Portion> portion) {
    is_reading_ = false;
    if (is_over_) return;
    if (!portion) {
      fail_with(portion.error());
      return end_input();
    }
    file_ = portion->file;
    is_last_ = portion->is_last;
    std::ranges::move(portion->records, std::back_inserter(waiting_));
    pump();
  }

  // False: comes back by itself when the pace allows.
  bool may_send_now() {
    if (options_.rate == 0) return true;
    const auto due_ms = started_ms_ + taken_ * 1000 / options_.rate;
    const auto now_ms = runtime_.clock().monotonic_ms();
    if (now_ms >= due_ms) return true;
    pace_.start(static_cast<std::uint64_t>(due_ms - now_ms), 0, [this] { pump(); });
    return false;
  }

  // False: there is no room; comes back by itself.
  bool send(const InputRecord& input) {
    if (!input.record) {
      on_malformed(input);
      return true;
    }
    const auto size = static_cast<std::int64_t>(input.record->key.value_or("").size() +
                                                input.record->value.value_or("").size());
    const auto sent = producer_.send(
        options_.topic, delayed(*input.record),
        [this, size](const Result<network::Producer::Delivered>& d) { on_settled(d, size); });
    if (sent) return true;
    if (sent.error().code() != Errc::kQuotaExceeded) {
      fail_with(sent.error());
      return true;
    }
    producer_.on_room([this] { pump(); });
    return false;
  }

  [[nodiscard]] Record delayed(Record record) const {
    if (options_.due_at_ms) set_due_at(record, *options_.due_at_ms);
    if (options_.delay_ms > 0) set_due_at(record, runtime_.clock().wall_ms() + options_.delay_ms);
    return record;
  }

  void on_malformed(const InputRecord& input) {
    if (++malformed_ > kComplaintsMax) return;
    progress_.clear();
    const auto name = file_.empty() || file_ == "-" ? "line " : file_ + ":";
    complain(name + std::to_string(input.line) + ": " + input.record.error().what() +
             (malformed_ == kComplaintsMax ? " (no more of these are shown)" : ""));
  }

  void on_settled(const Result<network::Producer::Delivered>& delivered, std::int64_t size) {
    if (!delivered) return fail_with(delivered.error());
    ++delivered_;
    bytes_ += size;
    progress_.update(delivered_, bytes_);
  }

  void fail_with(const Error& error) {
    if (!first_error_) first_error_ = error.code();
    ++failed_;
    if (const auto known = reasons_.find(error.what()); known != reasons_.end()) {
      ++known->second;
      return;
    }
    if (std::ssize(reasons_) == kComplaintsMax) return;
    reasons_.emplace(error.what(), 1);
    progress_.clear();
    complain(error.what());
  }

  void end_input() {
    if (std::exchange(is_over_, true)) return;
    pace_.stop();
    producer_.flush([this] { runtime_.finish(ExitCode::kOk); });
  }

  ClientRuntime& runtime_;
  const ProduceOptions& options_;
  std::unique_ptr<RecordSource> source_;
  network::Producer producer_;
  Timer pace_;
  Progress progress_;
  std::int64_t started_ms_;
  std::deque<InputRecord> waiting_;
  std::string file_;  // that `waiting_` came from
  bool is_reading_ = false;
  bool is_last_ = false;  // nothing comes after `waiting_`
  bool is_over_ = false;
  bool interrupted_ = false;
  std::int64_t taken_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t bytes_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t malformed_ = 0;
  std::optional<Errc> first_error_;
  std::map<std::string, std::int64_t> reasons_;  // of failed ones: shown once, then counted
};

}  // namespace

ExitCode run_produce(const ProduceOptions& options) {
  ClientRuntime runtime;
  std::unique_ptr<RecordSource> source;
  if (options.generate) {
    source = make_generator(runtime.loop(), runtime.clock());
  } else {
    auto files = make_file_source(runtime.loop(), options.files, options.format);
    if (!files) return report(files.error());
    source = std::move(*files);
  }
  if (!options.generate) {
    if (auto found = find_topic(runtime, options.brokers, options.topic); !found)
      return report(found.error());
  }
  ProduceJob job(runtime, options, std::move(source));
  runtime.run();
  return job.finish();
}

}  // namespace xylem::cli
