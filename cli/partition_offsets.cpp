#include "cli/partition_offsets.h"

#include "cli/broker_admin.h"
#include "cli/json_document.h"
#include "cli/topic_lookup.h"

#include <limits>
#include <set>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

std::string request_of(const std::string& topic, std::optional<std::int64_t> timestamp_ms) {
  Json request{{"topic", topic}};
  if (timestamp_ms) request["timestampMs"] = *timestamp_ms;
  return request.dump();
}

// Who leads what is not known yet.
std::set<std::string> leaders_of(const network::TopicMetadata& topic, const TopicOffsets& known) {
  std::set<std::string> leaders;
  for (const auto& partition : topic.partitions) {
    if (!known.contains(partition.partition) && !partition.leader_address.empty())
      leaders.insert(partition.leader_address);
  }
  return leaders;
}

}  // namespace

Result<TopicOffsets> offsets_in(const std::string& answer) {
  auto document = parse_document(answer);
  if (!document) return pass(document);
  TopicOffsets offsets;
  for (const auto& partition : list_at(*document, "partitions")) {
    const auto number = integer_at(partition, "partition", -1);
    const auto start = integer_at(partition, "start", -1);
    const auto end = integer_at(partition, "highWatermark", -1);
    if (number < 0 || number > std::numeric_limits<std::int32_t>::max() || start < 0 || end < 0)
      return fail(Errc::kCorrupt, "the answer has a partition without offsets");
    PartitionOffsets one{Offset(start), Offset(end), std::nullopt};
    if (const auto at_time = integer_at(partition, "offset", -1); at_time >= 0)
      one.at_time = Offset(at_time);
    offsets.emplace(PartitionId(static_cast<std::int32_t>(number)), one);
  }
  return offsets;
}

Result<TopicOffsets> ask_offsets(ClientRuntime& runtime,
                                 const std::vector<network::Address>& brokers,
                                 const std::string& topic,
                                 std::optional<std::int64_t> timestamp_ms) {
  const auto request = request_of(topic, timestamp_ms);
  const auto ask = [&](const std::vector<network::Address>& whom) -> Result<TopicOffsets> {
    auto answer = ask_broker(runtime, whom, "partition.offsets", request);
    if (!answer) return pass(answer);
    return offsets_in(*answer);
  };
  auto known = ask(brokers);
  if (!known) return known;
  auto metadata = find_topic(runtime, brokers, topic);
  if (!metadata) return pass(metadata);
  for (const auto& leader : leaders_of(*metadata, *known)) {
    const auto address = network::Address::parse(leader);
    if (!address) continue;
    if (auto more = ask({*address})) known->merge(std::move(*more));
  }
  return known;
}

}  // namespace xylem::cli
