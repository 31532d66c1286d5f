#include "cli/bench/bench_topic.h"

#include "cli/client_runtime.h"
#include "network/client/admin_client.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {

Result<BenchTopic> BenchTopic::make(std::string name, std::vector<network::Address> brokers) {
  BenchTopic topic(std::move(name), std::move(brokers));
  auto created = topic.command("topic.create");
  topic.is_ours_ = created.has_value();
  if (!created && created.error().code() != Errc::kAlreadyExists) return pass(created);
  return topic;
}

Status BenchTopic::clean_up() {
  if (!std::exchange(is_ours_, false)) return {};
  return command("topic.delete");
}

Status BenchTopic::command(const std::string& verb) {
  ClientRuntime runtime;
  Status done = fail(Errc::kCancelled, "interrupted");
  network::AdminClient admin(runtime.context(), {.brokers = brokers_, .client_id = "xylem-bench"});
  admin.command(verb, nlohmann::json{{"name", name_}}.dump(),
                [&](const Result<std::string>& answer) {
                  done = {};
                  if (!answer) done = std::unexpected(answer.error());
                  runtime.finish(ExitCode::kOk);
                });
  runtime.run();
  return done;
}

}  // namespace xylem::cli
