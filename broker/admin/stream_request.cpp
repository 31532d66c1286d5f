#include "broker/admin/stream_request.h"

#include "broker/admin/partition_lookup.h"
#include "broker/admin/record_start.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

using network::HttpReply;
using network::HttpRequest;

std::unexpected<Error> too_many() {
  return fail(Errc::kInvalidRequest,
              "a stream has at most " + std::to_string(kStreamPartitionsMax) + " partitions",
              "name some of them: partition=0,1,2");
}

// "0,3,7", each once; in ascending order.
Result<std::vector<std::int32_t>> partition_list(std::string_view text) {
  std::vector<std::int32_t> numbers;
  for (bool is_more = true; is_more;) {
    const auto comma = std::min(text.find(','), text.size());
    const auto piece = text.substr(0, comma);
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(piece.begin(), piece.end(), number);
    if (error != std::errc() || end != piece.end() || number < 0) {
      return fail(Errc::kInvalidRequest,
                  "partition must be a partition's number, or several with commas between");
    }
    if (numbers.size() >= kStreamPartitionsMax) return too_many();
    numbers.push_back(number);
    is_more = comma < text.size();
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  std::ranges::sort(numbers);
  if (std::ranges::adjacent_find(numbers) != numbers.end())
    return fail(Errc::kInvalidRequest, "partition names one of them twice");
  return numbers;
}

Result<std::vector<std::int32_t>> wanted(const HttpRequest& request, const TopicDefinition& topic) {
  if (request.query.contains("partition")) return partition_list(request.argument("partition"));
  if (static_cast<std::size_t>(topic.partitions) > kStreamPartitionsMax) return too_many();
  std::vector<std::int32_t> all(static_cast<std::size_t>(topic.partitions));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// The places of `position` for `partitions`. One that it does not know is new since then.
Result<std::vector<StreamPlace>> resumed(const std::vector<StreamPlace>& position,
                                         const std::vector<const Partition*>& partitions) {
  std::vector<StreamPlace> places;
  std::size_t known = 0;
  for (const auto* partition : partitions) {
    const auto id = partition->id().partition;
    const auto found = std::ranges::find(position, id, &StreamPlace::partition);
    known += found != position.end() ? 1 : 0;
    places.push_back({id, found != position.end() ? found->next : Offset(0)});
  }
  if (known == position.size()) return places;
  return fail(Errc::kInvalidRequest,
              "the position in Last-Event-ID has partitions that this stream leaves out",
              "ask for the partitions that you asked for before");
}

Result<std::vector<const Partition*>> readable(const ClientContext& context,
                                               const TopicDefinition& topic,
                                               const HttpRequest& request) {
  auto numbers = wanted(request, topic);
  if (!numbers) return pass(numbers);
  std::vector<const Partition*> partitions;
  for (const auto number : *numbers) {
    auto partition = find_partition(context, topic, number);
    if (!partition) return pass(partition);
    partitions.push_back(*partition);
  }
  return partitions;
}

// False: `reply` was told why not.
bool begin(const RecordStart& start,
           const std::vector<const Partition*>& partitions,
           std::vector<StreamPlace>& places,
           HttpReply& reply) {
  for (const auto* partition : partitions) {
    const auto next = first_offset(start, *partition);
    if (!next) {
      send_start_error(next.error(), *partition, reply);
      return false;
    }
    places.push_back({partition->id().partition, *next});
  }
  return true;
}

}  // namespace

std::optional<StreamRequest> stream_request(const ClientContext& context,
                                            const HttpRequest& request,
                                            HttpReply& reply) {
  const auto refuse = [&reply](const Error& why) {
    reply.send_error(why);
    return std::nullopt;
  };
  auto start = record_start(request);
  if (!start) return refuse(start.error());
  const auto topic = find_topic(context, request.path_args.at("name"));
  if (!topic) return refuse(topic.error());
  const auto partitions = readable(context, **topic, request);
  if (!partitions) return refuse(partitions.error());
  StreamRequest made{.source = {.topic = (*topic)->name,
                                .history = (*topic)->incarnation,
                                .is_whole_topic = !request.query.contains("partition")}};
  if (const std::string id(request.header("last-event-id")); !id.empty()) {
    const auto position = position_places(id, made.source.history);
    if (position) {
      auto places = resumed(*position, *partitions);
      if (!places) return refuse(places.error());
      made.source.places = std::move(*places);
      return made;
    }
    if (position.error().code() != Errc::kStaleGeneration || !start->reset)
      return refuse(position.error());
    start->at = *start->reset;
    made.lost = id;
  }
  if (!begin(*start, *partitions, made.source.places, reply)) return std::nullopt;
  return made;
}

}  // namespace xylem::broker
