// Publishes sales as JSON: example_producer HOST:PORT TOPIC COUNT
#include "network/client/producer.h"

#include "common/clock.h"
#include "common/loop.h"
#include "common/random.h"
#include "network/serializer/serializer.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

namespace network = xylem::network;
using network::Producer;

class Sales {
 public:
  Sales(const network::ClientContext& context, const network::Address& broker, long count)
      : loop_(context.loop), count_(count), producer_(context, {.brokers = {broker}}) {}

  // Gives records until the producer has enough of them, and goes on when there is room again.
  void publish(const std::string& topic) {
    for (; next_ < count_; ++next_) {
      const auto sku = "sku-" + std::to_string(next_ % 10);
      const auto value = json_->encode(network::Value::Map{{"sku", sku}, {"units", 1 + next_ % 3}});
      if (!value) return fail(value.error());
      const auto given = producer_.send(topic, {.key = sku, .value = *value},
                                        [this](const auto& done) { settled(done); });
      if (given) continue;
      if (given.error().code() != xylem::Errc::kQuotaExceeded) return fail(given.error());
      return producer_.on_room([this, topic] { publish(topic); });
    }
    producer_.flush([this] { loop_.stop(); });
  }

  [[nodiscard]] bool is_published() const { return stored_ == count_; }

 private:
  void settled(const xylem::Result<Producer::Delivered>& done) {
    if (!done) return fail(done.error());
    ++stored_;  // on the disks of as many brokers as the topic asks for
  }

  void fail(const xylem::Error& why) {
    std::fprintf(stderr, "producer: %s\n", why.what().c_str());
    loop_.stop();
  }

  xylem::Loop& loop_;
  long count_;
  long next_ = 0;
  long stored_ = 0;
  std::unique_ptr<network::Serializer> json_ = network::make_json_serializer();
  Producer producer_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto broker = network::Address::parse(argc == 4 ? argv[1] : "");
  if (!broker) return std::fputs("usage: example_producer HOST:PORT TOPIC COUNT\n", stderr), 2;
  const xylem::SystemClock clock;
  xylem::Random random(xylem::system_seed());
  xylem::Loop loop;
  const auto tcp = network::make_tcp_client(loop, {});
  Sales sales({loop, *tcp, clock, random, xylem::Logger::none()}, *broker, std::atol(argv[3]));
  sales.publish(argv[2]);
  loop.run();
  return sales.is_published() ? 0 : 1;
}
