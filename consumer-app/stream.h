// The subscription: what the broker sends becomes changes for the Applier.
//
// It presents its own cursors, min(end of the log, cursor of the view), to whichever broker
// answers; nothing is committed there. When the Applier lags, the stream pauses and the broker's
// credit runs out. A batch whose records cannot be read is an error for the retry policy.
//
// Threads: the loop's. The Applier and the RecordLog outlive it.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "consumer-app/applier.h"
#include "consumer-app/record_log.h"
#include "consumer-app/topic_state.h"
#include "network/client/consumer.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

class Stream {
 public:
  struct Options {
    std::vector<network::Address> brokers;
    std::string client_id;
    std::string group;
    std::vector<std::string> topics;
    network::RetryPolicy retry = network::RetryPolicy::kExponentialThenFixed;
  };

  struct Context {
    Loop& loop;
    network::NetworkClient& network;
    const Clock& clock;
    Random& random;
    Logger& logger;
    Metrics& metrics;
    Applier& applier;
    RecordLog& log;
  };

  Stream(const Context& context, Options options);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // `copies`: what the view holds. Until then nothing is known of any topic.
  void start(const Copies& copies);

  [[nodiscard]] bool is_started() const { return consumer_ != nullptr; }

  // In the order configured.
  [[nodiscard]] const std::vector<std::string>& topics() const { return options_.topics; }

  // Null: not one of ours.
  [[nodiscard]] const TopicState* topic(std::string_view name) const;

  [[nodiscard]] bool is_connected() const { return consumer_ && consumer_->is_connected(); }

  [[nodiscard]] const std::string& last_error() const { return last_error_; }

 private:
  void subscribe();
  void subscribe_anew();
  network::Consumer::Handlers handlers();
  [[nodiscard]] Cursors log_ends(const network::SubscribeAnswer& answer) const;
  TopicState* find(std::string_view topic);    // null: not one of ours
  TopicState* taking(std::string_view topic);  // null: not one of ours, or stopped
  Status on_batch(const network::DeliveredBatch& batch);
  void on_gap(const network::Gap& gap);
  std::optional<network::Cursor> cursor(std::string_view topic, PartitionId partition);
  void perform(const std::string& topic, Effects effects, const network::Refresh* frame);
  void after_swap(const std::string& topic);
  void on_error(const Error& error);

  Context context_;
  Options options_;
  std::map<std::string, TopicState, std::less<>> topics_;
  std::string last_error_;
  bool subscribing_anew_ = false;
  Counter& batches_;
  Counter& dropped_;
  Counter& refreshes_;
  Counter& gaps_;
  Counter& gap_records_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<network::Consumer> consumer_;
};

}  // namespace xylem::consumer_app
