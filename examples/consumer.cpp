// Prints sales as a member of a group, until Ctrl-C: example_consumer HOST:PORT TOPIC GROUP
//
// What was printed is committed: the next member of the group goes on behind it.
#include "network/client/consumer.h"

#include "common/clock.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/signals.h"
#include "network/serializer/serializer.h"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

namespace network = xylem::network;
using network::Consumer;

// A failure is for the retry policy.
xylem::Status print(const network::Serializer& json, const xylem::RecordView& record) {
  if (record.is_tombstone()) return {};
  auto sale = json.decode(*record.value);
  if (!sale) return xylem::pass(sale);
  const auto* sku = sale->get<std::string>("sku");
  const auto* units = sale->get<std::int64_t>("units");
  if (sku == nullptr || units == nullptr)
    return xylem::fail(xylem::Errc::kSchemaValidationFailed, "a sale needs a sku and its units");
  std::printf("%s %" PRId64 "\n", sku->c_str(), *units);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const auto broker = network::Address::parse(argc == 4 ? argv[1] : "");
  if (!broker) return std::fputs("usage: example_consumer HOST:PORT TOPIC GROUP\n", stderr), 2;
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const xylem::SystemClock clock;
  xylem::Random random(xylem::system_seed());
  xylem::Loop loop;
  const auto tcp = network::make_tcp_client(loop, {});
  const auto json = network::make_json_serializer();

  Consumer::Options options{.brokers = {*broker}, .group = argv[3], .topics = {argv[2]}};
  options.retry = network::RetryPolicy::kSkipOnError;  // what is no sale now will never be one
  Consumer::Handlers handlers;
  handlers.message = [&](const auto&, const auto& record) { return print(*json, record); };
  handlers.error = [](const auto& why) {
    std::fprintf(stderr, "consumer: %s\n", why.what().c_str());
  };
  Consumer consumer({loop, *tcp, clock, random, xylem::Logger::none()}, options, handlers);
  consumer.start();
  const xylem::StopSignals signals(loop, [&] { loop.stop(); });
  loop.run();
}
