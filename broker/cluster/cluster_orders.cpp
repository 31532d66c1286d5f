#include "broker/cluster/cluster_orders.h"

#include "broker/cluster/json_fields.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

struct Wanted {
  std::string topic;
  std::int32_t partition = 0;
  ReplicaId broker;
  std::string who;
  bool accepts_loss = false;
};

Result<Wanted> read_election(const HttpRequest& request) {
  auto body = parse_json(text_of(request.body));
  if (!body) return pass(body);
  JsonFields fields(*body, "election");
  Wanted wanted{
      .topic = fields.text("topic"),
      .partition = static_cast<std::int32_t>(fields.number("partition", 0, kPartitionsMax - 1)),
      .broker = fields.replica("broker"),
      .who = fields.text("who"),
      .accepts_loss = fields.has("acceptLoss") && fields.flag("acceptLoss")};
  if (auto good = fields.done(); !good) return pass(good);
  return wanted;
}

std::string joined(const std::vector<ReplicaId>& brokers) {
  std::string text;
  for (const auto broker : brokers)
    text += (text.empty() ? "" : ", ") + std::to_string(broker.value());
  return text;
}

Error what_may_be_lost(const Wanted& wanted, const PartitionRecord& record) {
  const auto who = std::to_string(wanted.broker.value());
  const auto known = record.in_sync.empty()
                         ? "nobody is known to have all of " + wanted.topic + "/" +
                               std::to_string(wanted.partition)
                         : "only brokers " + joined(record.in_sync) + " are known to have all of " +
                               wanted.topic + "/" + std::to_string(wanted.partition);
  return {Errc::kInvalidRequest,
          known + ": acknowledged records that broker " + who +
              " does not have would be lost for good, and every copy of the topic below the root"
              " begins anew",
          "bring one of them back, or say acceptLoss"};
}

void elect(RootTier& tier,
           const Clock& clock,
           const HttpRequest& request,
           const HttpReplyPtr& reply) {
  const auto wanted = read_election(request);
  if (!wanted) return reply->send_error(wanted.error());
  const auto& state = tier.metadata().state();
  const auto topic = state.topics().find(wanted->topic);
  const auto index = static_cast<std::size_t>(wanted->partition);
  if (topic == state.topics().end() || index >= topic->second.partitions.size()) {
    return reply->send_error(
        Error(Errc::kUnknownTopicOrPartition,
              "no partition " + std::to_string(index) + " of a topic \"" + wanted->topic + "\""));
  }
  const auto& record = topic->second.partitions[index];
  if (!wanted->accepts_loss && record.leader == kNoReplica)
    return reply->send_error(what_may_be_lost(*wanted, record));
  const ForceElection command{
      topic->second.topic.log(wanted->partition), wanted->broker, {wanted->who, clock.wall_ms()}};
  tier.propose(command, [reply, wanted = *wanted](const Status& decided) {
    if (!decided) return reply->send_error(decided.error());
    reply->send(HttpResponse::json(200, json_text({{"topic", wanted.topic},
                                                   {"partition", wanted.partition},
                                                   {"broker", wanted.broker.value()}})));
  });
}

// "0,1,2"
Result<std::vector<ReplicaId>> brokers_of(std::string_view text) {
  std::vector<ReplicaId> brokers;
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find(','));
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(piece.begin(), piece.end(), number);
    if (error != std::errc() || end != piece.end())
      return fail(Errc::kInvalidRequest, "brokers are numbers, separated by commas");
    brokers.emplace_back(number);
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
  }
  return brokers;
}

Json describe(const TopicState& topic, std::size_t partition, std::span<const ReplicaId> to) {
  return {{"topic", topic.topic.name},
          {"partition", partition},
          {"from", to_json_value(topic.partitions[partition].replicas)},
          {"to", to_json_value({to.begin(), to.end()})}};
}

Json moving(const ClusterState& state) {
  auto all = Json::array();
  for (const auto& [name, topic] : state.topics()) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& record = topic.partitions[i];
      if (record.moving_to.empty()) continue;
      auto one = describe(topic, i, record.moving_to);
      one["inSync"] = to_json_value(record.in_sync);
      one["leader"] = record.leader.value();
      all.push_back(std::move(one));
    }
  }
  return all;
}

// A broker that has just started knows an older state, or none: another one is to be asked.
Status knows_state(const RootTier& tier) {
  const auto ready = tier.ready();
  if (ready) return {};
  return fail(Errc::kUnavailable, ready.error().what(), "ask another root broker");
}

void tell_plan(const RootTier& tier, const HttpRequest& request, const HttpReplyPtr& reply) {
  if (auto known = knows_state(tier); !known) return reply->send_error(known.error());
  const auto& state = tier.metadata().state();
  const auto brokers = brokers_of(request.argument("brokers"));
  if (!brokers) return reply->send_error(brokers.error());
  const auto plan = plan_rebalance(state, *brokers);
  if (!plan) return reply->send_error(plan.error());
  auto moves = Json::array();
  for (const auto& move : *plan) {
    const auto& topic = *state.find(move.log.incarnation);
    const auto partition = static_cast<std::size_t>(move.log.partition.value());
    moves.push_back(describe(topic, partition, move.replicas));
  }
  reply->send(
      HttpResponse::json(200, json_text({{"moves", std::move(moves)}, {"moving", moving(state)}})));
}

struct Portion {
  std::vector<ReplicaId> brokers;
  std::size_t moves_max = 0;
  std::int64_t bytes_per_s = 0;
  std::string who;
};

Result<Portion> read_portion(const HttpRequest& request) {
  auto body = parse_json(text_of(request.body));
  if (!body) return pass(body);
  JsonFields fields(*body, "rebalance");
  Portion portion{.brokers = fields.replicas("brokers"),
                  .moves_max = static_cast<std::size_t>(fields.number("movesMax", 1, kChangesMax)),
                  .bytes_per_s = fields.number("bytesPerS", 0, kMoveBytesPerSMax),
                  .who = fields.text("who")};
  if (auto good = fields.done(); !good) return pass(good);
  return portion;
}

void move(RootTier& tier,
          const Clock& clock,
          const HttpRequest& request,
          const HttpReplyPtr& reply) {
  auto portion = read_portion(request);
  if (!portion) return reply->send_error(portion.error());
  if (auto known = knows_state(tier); !known) return reply->send_error(known.error());
  const auto& state = tier.metadata().state();
  auto plan = plan_rebalance(state, portion->brokers);
  if (!plan) return reply->send_error(plan.error());
  const auto are_moving = moving(state).size();
  const auto room = portion->moves_max - std::min(are_moving, portion->moves_max);
  const auto begun = std::min(room, plan->size());
  const Json told{{"begun", begun}, {"left", plan->size() - begun}, {"moving", are_moving + begun}};
  const auto answer = [reply, told](const Status& decided) {
    if (!decided) return reply->send_error(decided.error());
    reply->send(HttpResponse::json(200, json_text(told)));
  };
  plan->resize(begun);
  if (plan->empty()) return answer({});
  tier.propose(
      MoveReplicas{
          std::move(*plan), portion->bytes_per_s, {std::move(portion->who), clock.wall_ms()}},
      answer);
}

}  // namespace

void add_order_routes(network::HttpServer& server, RootTier& tier, const Clock& clock) {
  const auto route = [&server](const char* method, const char* path,
                               std::vector<std::string> arguments, auto handler) {
    server.route(method, path, network::with_arguments(std::move(arguments), std::move(handler)));
  };
  route("POST", "/api/v1/cluster/elections", {},
        [&tier, &clock](const HttpRequest& request, const HttpReplyPtr& reply) {
          elect(tier, clock, request, reply);
        });
  route("GET", "/api/v1/cluster/rebalance", {"brokers"},
        [&tier](const HttpRequest& request, const HttpReplyPtr& reply) {
          tell_plan(tier, request, reply);
        });
  route("POST", "/api/v1/cluster/rebalance", {},
        [&tier, &clock](const HttpRequest& request, const HttpReplyPtr& reply) {
          move(tier, clock, request, reply);
        });
}

}  // namespace xylem::broker
