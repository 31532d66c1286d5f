#include "cli/topic_lookup.h"

#include "network/client/admin_client.h"

#include <utility>

namespace xylem::cli {
namespace {

std::string joined(const std::vector<network::Address>& brokers) {
  std::string text;
  for (const auto& broker : brokers) text += (text.empty() ? "" : ",") + broker.text();
  return text;
}

}  // namespace

Result<network::MetadataAnswer> ask_metadata(ClientRuntime& runtime,
                                             const std::vector<network::Address>& brokers,
                                             const std::vector<std::string>& topics) {
  Result<network::MetadataAnswer> answer = fail(Errc::kCancelled, "interrupted");
  network::AdminClient admin(runtime.context(), {.brokers = brokers, .client_id = "xylem"});
  admin.metadata(topics, [&](Result<network::MetadataAnswer> metadata) {
    answer = std::move(metadata);
    runtime.finish(ExitCode::kOk);
  });
  runtime.run();
  if (!answer) return pass(answer, "ask " + joined(brokers));
  return answer;
}

Result<network::TopicMetadata> find_topic(ClientRuntime& runtime,
                                          const std::vector<network::Address>& brokers,
                                          const std::string& topic) {
  auto answer = ask_metadata(runtime, brokers, {topic});
  if (!answer) return pass(answer);
  for (auto& found : answer->topics) {
    if (found.name == topic) return std::move(found);
  }
  return fail(Errc::kUnknownTopicOrPartition, "there is no topic " + topic,
              "xylem topic create " + topic);
}

}  // namespace xylem::cli
