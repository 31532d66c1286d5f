// Commands of the metadata log as JSON: what is written is read, and nothing else is.
#include "broker/cluster/cluster_command.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace xylem::broker {
namespace {

const LogId kLog{{TopicId::from_words(1, 2), 3}, PartitionId(4)};

TopicDefinition prices() {
  TopicDefinition topic;
  topic.name = "prices";
  topic.incarnation = kLog.incarnation;
  topic.partitions = 2;
  topic.replicas = 3;
  topic.min_insync = 2;
  return topic;
}

std::vector<ReplicaId> ids(std::initializer_list<int> numbers) {
  std::vector<ReplicaId> all;
  for (const int number : numbers) all.emplace_back(number);
  return all;
}

std::vector<ClusterCommand> all_commands() {
  return {
      RegisterBroker{ReplicaId(3),
                     "root-3",
                     Uuid::from_words(7, 8),
                     Uuid::from_words(5, 6),
                     "a:9092",
                     "a:7081",
                     true,
                     {kLog}},
      FenceBroker{ReplicaId(0)},
      CreateTopic{prices(), {ids({0, 1, 2}), ids({4, 2, 1})}},
      AlterTopic{prices(), {ids({3, 0, 1})}},
      DeleteTopic{kLog.incarnation},
      ChangeInSync{{{kLog, ReplicaId(1), 17, ids({0, 1})}}},
      MoveReplicas{{{kLog, ids({4, 0, 1})}}, 1'000'000, {"operator", 1'700'000'000'000}},
      ReturnLeaders{{kLog}},
      ForceElection{kLog, ReplicaId(2), {"operator", 1'700'000'000'000}},
  };
}

TEST_CASE("cluster command: each comes back as it was") {
  const auto commands = all_commands();
  REQUIRE(commands.size() == std::variant_size_v<ClusterCommand>);
  for (std::size_t i = 0; i < commands.size(); ++i) {
    REQUIRE(commands[i].index() == i);
    const auto json = to_json(commands[i]);
    CAPTURE(json);
    const auto read = command_from_json(json);
    REQUIRE(read);
    CHECK(*read == commands[i]);
  }
}

TEST_CASE("cluster command: the format") {
  CHECK(to_json(FenceBroker{ReplicaId(3)}) == R"({"broker":3,"do":"fenceBroker"})");
  CHECK(to_json(ReturnLeaders{{kLog}}) ==
        R"({"do":"returnLeaders","logs":[["00000000000000010000000000000002",3,4]]})");
}

TEST_CASE("cluster command: a field that is missing, of another type or too many is refused") {
  for (const auto& command : all_commands()) {
    const auto whole = nlohmann::json::parse(to_json(command));
    for (const auto& [field, value] : whole.items()) {
      CAPTURE(field);
      auto changed = whole;
      changed.erase(field);
      CHECK_FALSE(command_from_json(changed.dump()));
      changed[field] = nlohmann::json::object();
      CHECK_FALSE(command_from_json(changed.dump()));
      changed[field] = nullptr;
      const auto read = command_from_json(changed.dump());
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == Errc::kInvalidRequest);
    }
    auto more = whole;
    more["more"] = 1;
    const auto read = command_from_json(more.dump());
    REQUIRE_FALSE(read);
    CHECK(std::string(read.error().what()).contains("\"more\""));
  }
}

TEST_CASE("cluster command: numbers out of range and what is no command") {
  for (
      const auto* json :
      {"", "[]", "7", "{}", R"({"do":"somethingElse"})", R"({"do":"fenceBroker","broker":-1})",
       R"({"do":"fenceBroker","broker":64})", R"({"do":"fenceBroker","broker":1.5})",
       R"({"do":"fenceBroker","broker":18446744073709551615})",
       R"({"do":"returnLeaders","logs":[["00000000000000010000000000000002",3]]})",
       R"({"do":"returnLeaders","logs":[["0000",3,4]]})",
       R"({"do":"returnLeaders","logs":[["00000000000000010000000000000002",3,-4]]})",
       R"({"do":"moveReplicas","moves":[{"log":["00000000000000010000000000000002",3,4],"replicas":[1,1]}]})",
       R"({"do":"moveReplicas","moves":[[]]})"}) {
    CAPTURE(json);
    CHECK_FALSE(command_from_json(json));
  }
  CHECK(command_from_json(std::string(kCommandBytesMax + 1, ' ')).error().code() ==
        Errc::kMessageTooLarge);
}

}  // namespace
}  // namespace xylem::broker
