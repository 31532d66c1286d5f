// POST /api/v1/messages and /api/v1/messages/batch: producing over HTTP.
//
// Each record goes to its partition: by its key, or where the request says. Those of partitions
// that others lead are passed on to them (forwarded_records.h); where nobody is known who does, or
// nothing passes them on, they are refused with NOT_LEADER. Records that name neither stay here:
// they take turns over what this broker leads. Delayed messages go to whoever keeps those of their
// partition.
#include "broker/admin/admin_api.h"
#include "broker/admin/forwarded_records.h"
#include "broker/admin/json_message.h"
#include "broker/admin/partition_lookup.h"
#include "broker/delayed/delayed_records.h"
#include "broker/delivery/topic_at_first_use.h"
#include "broker/json/json_text.h"
#include "common/batch/batch_builder.h"
#include "common/batch/due_time.h"
#include "network/client/partitioner.h"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;
using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

// What the requests have in common.
struct Door {
  ClientContext& client;
  const AdminContext& admin;
  std::map<std::string, std::uint32_t> turns;  // of the topics' records without a key
};

struct Lane {
  PartitionId partition;
  bool is_delayed = false;
  auto operator<=>(const Lane&) const = default;
};

// One request's results, filled in as its partitions commit.
struct Outcome {
  std::vector<Json> results;
  std::vector<std::optional<Error>> errors;
  std::size_t open = 0;
  std::function<void(const Outcome&)> settled;

  void accept(std::size_t at, const Lane& lane, Offset offset, std::uint16_t replicas_synced) {
    results[at] = {{"partition", lane.partition.value()},
                   {"offset", offset.value()},
                   {"replicasSynced", replicas_synced}};
    if (lane.is_delayed) results[at]["offset"] = nullptr;  // it has none yet
  }

  void refuse(std::size_t at, const Error& error) {
    results[at] = {
        {"error",
         {{"code", to_string(error.code())}, {"detail", error.what()}, {"hint", error.hint()}}}};
    errors[at] = error;
  }
};

// The messages that go to one partition, as one batch.
struct PartitionBatch {
  BatchBuilder builder;
  std::vector<std::size_t> positions;  // in the request
  std::vector<const Record*> records;  // the request's
};

class HttpProduce {
 public:
  HttpProduce(Door& door, const TopicDefinition& topic, std::shared_ptr<Outcome> outcome)
      : door_(door), topic_(topic), outcome_(std::move(outcome)) {}

  void add(std::size_t at, const JsonMessage& message) {
    const auto delayed = is_delayed(message.record);
    if (!delayed) return outcome_->refuse(at, delayed.error());
    const auto partition = place(message, *delayed);
    if (partition.value() >= topic_.partitions) {
      return outcome_->refuse(at, Error(Errc::kUnknownTopicOrPartition,
                                        "topic \"" + topic_.name + "\" has " +
                                            std::to_string(topic_.partitions) + " partitions"));
    }
    auto& batch = batches_[{partition, *delayed}];
    if (auto added = batch.builder.add(message.record); !added)
      return outcome_->refuse(at, added.error());
    batch.positions.push_back(at);
    batch.records.push_back(&message.record);
  }

  void send() {
    outcome_->open = batches_.size() + 1;
    for (auto& [lane, batch] : batches_) send_one(lane, batch);
    settle_one(*outcome_);
  }

 private:
  // What is due already goes as any other.
  [[nodiscard]] Result<bool> is_delayed(const Record& record) const {
    const auto due_ms = due_at(record);
    if (!due_ms) return std::unexpected(due_ms.error());
    if (!*due_ms || door_.client.delayed == nullptr) return false;
    const auto now_ms = door_.client.clock.wall_ms();
    if (auto bounded = check_due_at(**due_ms, now_ms); !bounded) return pass(bounded);
    return **due_ms > now_ms;
  }

  // Whose leader takes the batch.
  [[nodiscard]] LogId route(const Lane& lane) const {
    if (lane.is_delayed) return door_.client.delayed->home_of(topic_, lane.partition);
    return {topic_.incarnation, lane.partition};
  }

  PartitionId place(const JsonMessage& message, bool is_delayed) {
    if (message.partition) return *message.partition;
    if (message.record.key)
      return network::partition_by_key(bytes_of(*message.record.key), topic_.partitions);
    return next(is_delayed);
  }

  PartitionId next(bool is_delayed) {
    auto& choice = is_delayed ? delayed_choice_ : choice_;
    if (choice.empty()) choice = partitions_for_any(is_delayed);
    return choice[door_.turns[topic_.name]++ % choice.size()];
  }

  // Those whose messages this broker takes, else all.
  [[nodiscard]] std::vector<PartitionId> partitions_for_any(bool is_delayed) const {
    std::vector<PartitionId> led;
    std::vector<PartitionId> all;
    for (std::int32_t p = 0; p < topic_.partitions; ++p) {
      all.emplace_back(p);
      const auto* partition = door_.client.partitions.find(route({PartitionId(p), is_delayed}));
      if (partition != nullptr && partition->is_leader()) led.emplace_back(p);
    }
    return led.empty() ? all : led;
  }

  // With the leader's address, where the partition is led elsewhere (now).
  [[nodiscard]] static Error addressed(const ClientContext& client,
                                       const LogId& log,
                                       const Error& error) {
    const auto leader = client.leader_of(log);
    if (error.code() != Errc::kNotLeader || leader.node == client.node) return error;
    return {error.code(), error.what(), leader.http};
  }

  static void settle_one(Outcome& outcome) {
    if (--outcome.open == 0) outcome.settled(outcome);
  }

  // Whether the records are for a broker that can be asked.
  [[nodiscard]] bool is_passed_on(const LogId& log) const {
    if (door_.admin.forwarded == nullptr) return false;
    const auto* partition = door_.client.partitions.find(log);
    if (partition != nullptr && partition->is_leader()) return false;
    const auto leader = door_.client.leader_of(log);
    return !leader.tcp.empty() && leader.node != door_.client.node;
  }

  void pass_on(const Lane& lane, const PartitionBatch& batch) {
    outcome_->open += batch.records.size();
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      door_.admin.forwarded->send(
          topic_.name, lane.partition, *batch.records[i],
          [outcome = outcome_, lane, at = batch.positions[i]](const auto& stored) {
            if (stored) {
              outcome->accept(at, lane, stored->offset, stored->replicas_synced);
            } else {
              outcome->refuse(at, stored.error());
            }
            settle_one(*outcome);
          });
    }
    settle_one(*outcome_);
  }

  void send_one(const Lane& lane, PartitionBatch& batch) {
    const LogId log = route(lane);
    if (is_passed_on(log)) return pass_on(lane, batch);
    auto done = [outcome = outcome_, lane, log, &client = door_.client,
                 positions =
                     std::move(batch.positions)](const Result<Partition::Appended>& appended) {
      for (std::size_t i = 0; i < positions.size(); ++i) {
        if (!appended) {
          outcome->refuse(positions[i], addressed(client, log, appended.error()));
          continue;
        }
        outcome->accept(positions[i], lane, appended->base_offset + static_cast<std::int64_t>(i),
                        appended->replicas_synced);
      }
      settle_one(*outcome);
    };
    auto bytes = batch.builder.build();
    auto* partition = door_.client.partitions.find(log);
    if (!bytes) return done(pass(bytes));
    if (lane.is_delayed) {
      return door_.client.delayed->park(topic_, lane.partition, *bytes, Acks::kAll,
                                        std::move(done));
    }
    if (partition == nullptr || !partition->is_leader())
      return done(std::unexpected(not_led_here(door_.client, topic_, lane.partition)));
    partition->append(*bytes, Acks::kAll, std::move(done));
  }

  Door& door_;
  const TopicDefinition& topic_;
  std::shared_ptr<Outcome> outcome_;
  std::map<Lane, PartitionBatch> batches_;
  std::vector<PartitionId> choice_;  // for records that may go anywhere
  std::vector<PartitionId> delayed_choice_;
};

void append(Door& door,
            const TopicDefinition& topic,
            const std::vector<Result<JsonMessage>>& messages,
            const std::shared_ptr<Outcome>& outcome) {
  HttpProduce work(door, topic, outcome);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i]) {
      work.add(i, *messages[i]);
    } else {
      outcome->refuse(i, messages[i].error());
    }
  }
  work.send();
}

void produce(const std::shared_ptr<Door>& door,
             const JsonProduce& request,
             const HttpReplyPtr& reply,
             std::function<void(const Outcome&)> settled) {
  auto outcome = std::make_shared<Outcome>();
  outcome->results.resize(request.messages.size());
  outcome->errors.resize(request.messages.size());
  outcome->settled = std::move(settled);
  const auto append_to = [door, reply, outcome,
                          messages = request.messages](const TopicDefinition& topic) {
    const bool is_own = topic.is_internal() || topic.is_local;
    if (!is_own) return append(*door, topic, messages, outcome);
    reply->send_error(Error(Errc::kUnauthorized, "\"" + topic.name + "\" is the broker's own"));
  };
  if (!door->client.topics.is_owner()) {
    const auto topic = find_topic(door->client, request.topic);
    return topic ? append_to(**topic) : reply->send_error(topic.error());
  }
  find_at_first_use(door->client, request.topic, [reply, append_to](const auto& topic) {
    return topic ? append_to(*topic) : reply->send_error(topic.error());
  });
}

void post_one(const std::shared_ptr<Door>& door,
              const HttpRequest& http,
              const HttpReplyPtr& reply) {
  const auto request = message_from_json(text_of(http.body), door->client.clock.wall_ms());
  if (!request) return reply->send_error(request.error());
  produce(door, *request, reply, [reply, topic = request->topic](const Outcome& outcome) {
    if (outcome.errors.front()) return reply->send_error(*outcome.errors.front());
    auto result = outcome.results.front();
    result["topic"] = topic;
    reply->send(HttpResponse::json(200, json_text(result)));
  });
}

void post_batch(const std::shared_ptr<Door>& door,
                const HttpRequest& http,
                const HttpReplyPtr& reply) {
  const auto request = messages_from_json(text_of(http.body), door->client.clock.wall_ms());
  if (!request) return reply->send_error(request.error());
  produce(door, *request, reply, [reply](const Outcome& outcome) {
    reply->send(HttpResponse::json(200, json_text({{"results", outcome.results}})));
  });
}

}  // namespace

void add_message_routes(network::HttpServer& server, AdminContext& context) {
  auto door = std::make_shared<Door>(Door{.client = context.client, .admin = context, .turns = {}});
  server.route(
      "POST", "/api/v1/messages",
      network::with_arguments({}, [door](const HttpRequest& request, const HttpReplyPtr& reply) {
        post_one(door, request, reply);
      }));
  server.route(
      "POST", "/api/v1/messages/batch",
      network::with_arguments({}, [door](const HttpRequest& request, const HttpReplyPtr& reply) {
        post_batch(door, request, reply);
      }));
}

}  // namespace xylem::broker
