// A member of a group that tells what it is given, before it does anything with it.
//
//   xylem-telling-consumer BROKERS TOPIC GROUP at-least-once|at-most-once [alone]
//
// BROKERS: HOST:PORT,... `alone`: it has all partitions, and shares them with nobody. It prints
// "PARTITION OFFSET VALUE" for each record, one write each, so that a kill cannot take back what
// was told. A value that begins with "poison" it cannot handle; one that begins with "killer" kills
// it (SIGKILL). It runs until it is killed or interrupted.
#include "cli/client_runtime.h"
#include "network/client/consumer.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace xylem::chaos {
namespace {

constexpr network::RetrySchedule::Options kRetries{
    .first_ms = 20, .max_ms = 50, .doubling_tries = 2};

std::vector<network::Address> addresses(std::string_view list) {
  std::vector<network::Address> all;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (const auto address = network::Address::parse(list.substr(0, end))) all.push_back(*address);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return all;
}

Status take(const network::DeliveredBatch& batch, const RecordView& record) {
  const std::string value(text_of(record.value.value_or(Bytes())));
  const auto line = std::to_string(batch.partition.value()) + " " +
                    std::to_string(record.offset.value()) + " " + value + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail(Errc::kIo, "standard output is gone");
  if (value.starts_with("killer")) ::kill(::getpid(), SIGKILL);
  if (value.starts_with("poison")) return fail(Errc::kSchemaValidationFailed, "poison");
  return {};
}

}  // namespace
}  // namespace xylem::chaos

int main(int argc, char** argv) {
  using xylem::network::Consumer;
  const std::string_view mode = argc >= 5 ? argv[4] : "";
  const auto brokers = xylem::chaos::addresses(argc >= 5 ? argv[1] : "");
  if (brokers.empty() || (mode != "at-least-once" && mode != "at-most-once")) {
    std::fputs(
        "usage: xylem-telling-consumer BROKERS TOPIC GROUP at-least-once|at-most-once [alone]\n",
        stderr);
    return 2;
  }
  xylem::cli::ClientRuntime runtime;
  Consumer::Options options{.brokers = brokers, .group = argv[3], .topics = {argv[2]}};
  options.shares = argc == 5;
  options.instance = "teller";  // whoever comes after it has its partitions at once
  options.retry_schedule = xylem::chaos::kRetries;
  options.connect_timeout_ms = 1'000;
  options.backoff_ms = 10;
  options.backoff_max_ms = 100;
  if (mode == "at-most-once") options.commit = Consumer::Commit::kBeforeHandler;
  Consumer::Handlers handlers;
  handlers.message = xylem::chaos::take;
  handlers.error = [](const xylem::Error& why) {
    std::fprintf(stderr, "consumer: %s\n", why.what().c_str());
  };
  Consumer consumer(runtime.context(), options, handlers);
  consumer.start();
  return static_cast<int>(runtime.run());
}
