#include "cli/options/options.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

namespace xylem::cli {
namespace {

Result<Command> parse(const std::vector<std::string>& arguments,
                      const std::map<std::string, std::string>& environment = {}) {
  return parse_command(arguments, environment);
}

template <class Options>
Options parsed(const std::vector<std::string>& arguments,
               const std::map<std::string, std::string>& environment = {}) {
  auto command = parse(arguments, environment);
  if (!command) FAIL(command.error().what());
  REQUIRE(std::holds_alternative<Options>(*command));
  return std::get<Options>(*command);
}

Errc refused(const std::vector<std::string>& arguments) {
  const auto command = parse(arguments);
  REQUIRE_FALSE(command);
  return command.error().code();
}

TEST_CASE("addresses come from flags, else the environment, else localhost") {
  CHECK(parsed<TreeOptions>({"tree"}).registry_url == "http://localhost:8080");
  CHECK(parsed<TreeOptions>({"tree"}, {{"XYLEM_REGISTRY", "http://r:1"}}).registry_url ==
        "http://r:1");
  CHECK(
      parsed<TreeOptions>({"tree", "--registry", "http://s:2"}, {{"XYLEM_REGISTRY", "http://r:1"}})
          .registry_url == "http://s:2");
  CHECK(parsed<ConsumeOptions>({"consume", "t"}).brokers ==
        std::vector<network::Address>{{"localhost", 9092}});
  CHECK(parsed<ConsumeOptions>({"consume", "t"}, {{"XYLEM_BROKER", "a:1,b:2"}}).brokers ==
        std::vector<network::Address>{{"a", 1}, {"b", 2}});
  CHECK(refused({"consume", "t", "--broker", "nowhere"}) == Errc::kInvalidRequest);
}

TEST_CASE("orders for the root tier go to administrations, the first that answers") {
  CHECK(parsed<RootStatusOptions>({"root", "status"}).brokers.urls ==
        std::vector<std::string>{"http://localhost:8081"});
  CHECK(parsed<RootStatusOptions>({"root", "status", "--broker", "a:1,http://b:2"}).brokers.urls ==
        std::vector<std::string>{"http://a:1", "http://b:2"});
  CHECK(refused({"root", "status", "--broker", ""}) == Errc::kInvalidRequest);
}

TEST_CASE("an election is forced by topic, partition and broker") {
  const auto elect =
      parsed<RootElectOptions>({"root", "elect", "prices", "3", "--broker-number", "2"});
  CHECK(elect.topic == "prices");
  CHECK(elect.partition == 3);
  CHECK(elect.broker == 2);
  CHECK_FALSE(elect.accepts_loss);
  CHECK(parsed<RootElectOptions>(
            {"root", "elect", "prices", "3", "--broker-number", "2", "--accept-loss"})
            .accepts_loss);
  CHECK(refused({"root", "elect", "prices", "3"}) == Errc::kInvalidRequest);
  CHECK(refused({"root", "elect", "prices", "-1", "--broker-number", "2"}) ==
        Errc::kInvalidRequest);
}

TEST_CASE("a rebalance is planned or executed") {
  CHECK(refused({"rebalance"}) == Errc::kInvalidRequest);
  CHECK(refused({"rebalance", "--plan", "--execute"}) == Errc::kInvalidRequest);
  CHECK_FALSE(parsed<RebalanceOptions>({"rebalance", "--plan"}).executes);
  const auto options = parsed<RebalanceOptions>({"rebalance", "--execute", "--brokers", "0,1,2",
                                                 "--max-moves", "2", "--throttle", "1000000"});
  CHECK(options.executes);
  CHECK(options.targets == "0,1,2");
  CHECK(options.moves_max == 2);
  CHECK(options.bytes_per_s == 1'000'000);
  CHECK(parsed<RebalanceOptions>({"rebalance", "--execute"}).moves_max == 5);
  CHECK(refused({"rebalance", "--execute", "--max-moves", "0"}) == Errc::kInvalidRequest);
  CHECK(refused({"rebalance", "--execute", "--throttle", "1"}) == Errc::kInvalidRequest);
}

TEST_CASE("help and version are texts, not failures") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"--version"}, {"up", "--help"}, {"topic", "create", "--help"}}) {
    const auto command = parse(arguments);
    REQUIRE_FALSE(command);
    CHECK(command.error().code() == Errc::kCancelled);
    CHECK_FALSE(command.error().what().empty());
  }
}

TEST_CASE("what is not a command is refused") {
  CHECK(refused({}) == Errc::kInvalidRequest);
  CHECK(refused({"prodce"}) == Errc::kInvalidRequest);
  CHECK(refused({"topic"}) == Errc::kInvalidRequest);
  CHECK(refused({"tree", "--wat"}) == Errc::kInvalidRequest);
  CHECK(refused({"topic", "create"}) == Errc::kInvalidRequest);
}

TEST_CASE("produce") {
  const auto options = parsed<ProduceOptions>(
      {"produce", "t", "a.json", "-", "--format", "ndjson", "--key", "id", "--acks", "1", "--rate",
       "50", "--compression", "zstd", "--timeout", "5s", "--count", "9", "--json"});
  CHECK(options.topic == "t");
  CHECK(options.files == std::vector<std::string>{"a.json", "-"});
  CHECK(options.format.kind == InputFormat::Kind::kNdjson);
  CHECK(options.format.key == "id");
  CHECK(options.acks == 1);
  CHECK(options.rate == 50);
  CHECK(options.compression == Compression::kZstd);
  CHECK(options.timeout_ms == 5'000);
  CHECK(options.count == 9);
  CHECK(options.json);
  CHECK(parsed<ProduceOptions>({"produce", "t"}).acks == -1);
  CHECK(parsed<ProduceOptions>({"produce", "t", "--acks", "0"}).acks == 0);
  CHECK(refused({"produce", "t", "--acks", "2"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--format", "xml"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--key", "id"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--compression", "rar"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--rate", "-1"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--timeout", "0"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "f", "--generate"}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "a/b"}) == Errc::kInvalidRequest);
  CHECK(parsed<ProduceOptions>({"produce", "t", "--delay", "30s"}).delay_ms == 30'000);
  CHECK(parsed<ProduceOptions>({"produce", "t", "--due-at", "2026-01-02T03:04:05Z"}).due_at_ms ==
        1'767'323'045'000);
  for (const auto* wrong : {"-1", "401d", "soon"})
    CHECK(refused({"produce", "t", "--delay", wrong}) == Errc::kInvalidRequest);
  for (const auto* wrong : {"90m", "tomorrow", "99999999999999"})
    CHECK(refused({"produce", "t", "--due-at", wrong}) == Errc::kInvalidRequest);
  CHECK(refused({"produce", "t", "--due-at", "1", "--delay", "1s"}) == Errc::kInvalidRequest);
}

TEST_CASE("a group is deleted by its name") {
  const auto gone = parsed<GroupsOptions>({"groups", "delete", "shelf"});
  CHECK(gone.action == GroupsOptions::Action::kDelete);
  CHECK(gone.group == "shelf");
  CHECK(refused({"groups", "delete"}) == Errc::kInvalidRequest);
  CHECK(refused({"groups", "delete", "shelf", "--to", "latest"}) == Errc::kInvalidRequest);
}

TEST_CASE("consume") {
  using network::StartAt;
  CHECK(parsed<ConsumeOptions>({"consume", "t"}).start == StartAt::kEarliest);
  CHECK(parsed<ConsumeOptions>({"consume", "t", "--group", "g"}).start == StartAt::kCommitted);
  CHECK(parsed<ConsumeOptions>({"consume", "t", "--from", "latest"}).start == StartAt::kLatest);
  const auto options = parsed<ConsumeOptions>({"consume", "t", "--from", "17", "--partition", "3",
                                               "--count", "5", "--follow", "--format", "value"});
  CHECK(options.start == StartAt::kOffset);
  CHECK(options.start_offset == Offset(17));
  CHECK(options.partition == PartitionId(3));
  CHECK(options.count == 5);
  CHECK(options.follow);
  CHECK(options.output == OutputKind::kValue);
  CHECK(parsed<ConsumeOptions>({"consume", "t", "--group", "g", "--instance", "i"}).instance ==
        "i");
  CHECK(refused({"consume", "t", "--from", "-3"}) == Errc::kInvalidRequest);
  CHECK(refused({"consume", "t", "--from", "soon"}) == Errc::kInvalidRequest);
  CHECK(refused({"consume", "t", "--partition", "-1"}) == Errc::kInvalidRequest);
  CHECK(refused({"consume", "t", "--format", "xml"}) == Errc::kInvalidRequest);
}

TEST_CASE("topic") {
  const auto options =
      parsed<TopicOptions>({"topic", "create", "t", "--partitions", "4", "--cleanup", "compact",
                            "--retention-ms", "7d", "--retention-bytes", "-1", "--flush", "never"});
  CHECK(options.action == TopicOptions::Action::kCreate);
  CHECK(topic_request(options) ==
        R"({"cleanup":"compact","flush":"never","name":"t","partitions":4,"retentionBytes":-1,)"
        R"("retentionMs":604800000})");
  const auto altered = parsed<TopicOptions>({"topic", "alter", "t", "--retention-ms", "1000"});
  CHECK(topic_request(altered) == R"({"name":"t","retentionMs":1000})");
  const auto slower = parsed<TopicOptions>({"topic", "alter", "t", "--tombstone-retention", "30d"});
  CHECK(topic_request(slower) == R"({"name":"t","tombstoneRetentionMs":2592000000})");
  CHECK(refused({"topic", "create", "t", "--tombstone-retention", "soon"}) ==
        Errc::kInvalidRequest);
  const auto given_up = parsed<TopicOptions>({"topic", "create", "t", "--dead-letter-after", "5"});
  CHECK(topic_request(given_up) == R"({"deadLetterAfter":5,"name":"t"})");
  const auto never = parsed<TopicOptions>({"topic", "alter", "t", "--dead-letter-after", "0"});
  CHECK(topic_request(never) == R"({"deadLetterAfter":0,"name":"t"})");
  CHECK(refused({"topic", "alter", "t", "--dead-letter-after", "1001"}) == Errc::kInvalidRequest);
  CHECK(parsed<TopicOptions>({"topic", "list", "--all"}).all);
  CHECK(refused({"topic", "create", "t", "--cleanup", "sometimes"}) == Errc::kInvalidRequest);
  CHECK(topic_request(parsed<TopicOptions>({"topic", "alter", "t", "--delivery", "broadcast"})) ==
        R"({"delivery":"broadcast","name":"t"})");
  CHECK(refused({"topic", "alter", "t", "--delivery", "each"}) == Errc::kInvalidRequest);
  CHECK(refused({"topic", "create", "t", "--retention-bytes", "much"}) == Errc::kInvalidRequest);
  CHECK(refused({"topic", "delete", "t", "--partitions", "2"}) == Errc::kInvalidRequest);
}

TEST_CASE("log, root and node") {
  const auto log = parsed<LogOptions>({"log", "dump", "--digest", "data", "t"});
  CHECK(log.digest);
  CHECK(log.data_dir == "data");
  CHECK(log.topic == "t");
  CHECK(parsed<LogOptions>({"log", "verify", "data"}).action == LogOptions::Action::kVerify);
  CHECK_FALSE(parsed<LogOptions>({"log", "verify", "data"}).repair);
  CHECK(parsed<LogOptions>({"log", "verify", "data", "t", "--repair"}).repair);
  CHECK(parsed<RootInitOptions>({"root", "init", "--data-dir", "d"}).data_dir == "d");
  CHECK(refused({"root", "init"}) == Errc::kInvalidRequest);
  CHECK(
      parsed<RootInitOptions>({"root", "init", "--data-dir", "d", "--cluster-id", "c", "--replace"})
          .replaces);
  CHECK(refused({"root", "init", "--data-dir", "d", "--replace"}) == Errc::kInvalidRequest);
  CHECK(parsed<NodeOptions>({"node", "pos-0"}).target == "pos-0");
}

TEST_CASE("up and console") {
  const auto options = parsed<UpOptions>(
      {"up", "--dir", "d", "--tree", "l2=3,local=1", "--base-port", "2000", "--topic", "a:3",
       "--topic", "b:1:compact", "--no-console", "--no-producer", "--no-consumer"});
  CHECK(options.dir == "d");
  CHECK(options.tree.l2 == 3);
  CHECK(options.tree.l3 == 1);
  CHECK(options.tree.local == 1);
  CHECK(options.base_port == std::uint16_t{2000});
  REQUIRE(options.topics.size() == 2);
  CHECK(options.topics[0].partitions == 3);
  CHECK(options.topics[1].cleanup == "compact");
  CHECK_FALSE(options.with_console);
  CHECK_FALSE(options.with_producer);
  CHECK_FALSE(options.with_consumer);
  CHECK_FALSE(parsed<UpOptions>({"up"}).base_port);
  CHECK(parsed<UpOptions>({"up"}).roots == kRootsByDefault);
  CHECK(parsed<UpOptions>({"up", "--roots", "5"}).roots == 5);
  for (const char* roots : {"0", "10", "some"})
    CHECK(refused({"up", "--roots", roots}) == Errc::kInvalidRequest);
  CHECK(refused({"up", "--tree", "l4=1"}) == Errc::kInvalidRequest);
  CHECK(refused({"up", "--topic", "a"}) == Errc::kInvalidRequest);
  CHECK(refused({"up", "--base-port", "70000"}) == Errc::kInvalidRequest);
  CHECK(parsed<ConsoleOptions>({"console", "-c", "broker stop 1"}).command == "broker stop 1");
  CHECK(refused({"console"}) == Errc::kInvalidRequest);
}

TEST_CASE("options: refresh says where exactly once") {
  const auto start = parsed<RefreshOptions>({"refresh", "start", "prices", "--subtree", "l2-1",
                                             "--wave", "7", "--max-failures", "2", "--wait"});
  CHECK(start.topic == "prices");
  CHECK(start.subtree == "l2-1");
  CHECK(start.wave_nodes == 7);
  CHECK(start.failures_max == 2);
  CHECK(start.waits);
  CHECK(start.registry_url == "http://localhost:8080");
  CHECK(parsed<RefreshOptions>({"refresh", "start", "prices", "--fleet"}).wave_nodes == 50);
  CHECK(parsed<RefreshOptions>({"refresh", "start", "prices", "--broker", "h:1"}).broker_url ==
        "http://h:1");
  CHECK(parsed<RefreshOptions>({"refresh", "stop", "00000000000000ff"}).id == "00000000000000ff");
  CHECK(parsed<RefreshOptions>({"refresh", "status", "ff", "--state", "AWAY"}).state == "AWAY");
  CHECK(refused({"refresh"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "--fleet"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "prices"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "prices", "--fleet", "--node", "x"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "prices", "--fleet", "--broker", "h:1"}) ==
        Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "prices", "--broker", "h:1,h:2"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "start", "prices", "--fleet", "--wave", "0"}) == Errc::kInvalidRequest);
  CHECK(refused({"refresh", "stop"}) == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::cli
