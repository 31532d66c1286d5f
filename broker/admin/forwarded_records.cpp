#include "broker/admin/forwarded_records.h"

#include <utility>

namespace xylem::broker {

ForwardedRecords::ForwardedRecords(const network::ClientContext& context,
                                   std::function<network::Address()> self)
    : context_(context), self_(std::move(self)) {}

void ForwardedRecords::send(const std::string& topic,
                            PartitionId partition,
                            Record record,
                            Done done) {
  if (!producer_) {
    producer_.emplace(context_,
                      network::Producer::Options{.brokers = {self_()},
                                                 .client_id = "http",
                                                 .linger_ms = 0,
                                                 .buffer_bytes_max = kBytesMax,
                                                 .request_timeout_ms = kTimeoutMs / 2,
                                                 .delivery_timeout_ms = kTimeoutMs,
                                                 .connect_timeout_ms = kConnectTimeoutMs});
  }
  auto shared = std::make_shared<Done>(std::move(done));
  auto sent = producer_->send_to(topic, partition, std::move(record),
                                 [shared](auto delivered) { (*shared)(std::move(delivered)); });
  if (sent) return;
  const bool posted =
      context_.loop.post([shared, error = sent.error()] { (*shared)(std::unexpected(error)); });
  if (!posted) (*shared)(std::unexpected(sent.error()));
}

}  // namespace xylem::broker
