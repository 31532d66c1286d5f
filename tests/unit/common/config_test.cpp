#include "common/config.h"

#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xylem {
namespace {

using Kind = Setting::Kind;
using Environment = std::map<std::string, std::string>;
using Args = std::vector<std::string>;

constexpr std::array<Setting, 8> kSettings = {{
    {.name = "NODE_ID", .help = "This node's id"},
    {.name = "BROKER_PORT", .kind = Kind::kNumber, .fallback = "9092", .min = 1, .max = 65'535},
    {.name = "SEGMENT_BYTES", .kind = Kind::kBytes, .fallback = "64MiB", .min = 4'096},
    {.name = "RETENTION", .kind = Kind::kDuration, .fallback = "7d", .min = -1, .max = 864'000'000},
    {.name = "INSECURE", .kind = Kind::kFlag, .fallback = "false"},
    {.name = "FLUSH",
     .kind = Kind::kChoice,
     .fallback = "always",
     .choices = "always|interval|never"},
    {.name = "JOIN_TOKEN", .help = "Lets it in", .secret = true},
    {.name = "SECRET_PORT", .kind = Kind::kNumber, .fallback = "1", .secret = true},
}};

Result<Config> load(const Args& args, const Environment& environment = {}) {
  return Config::load("test", kSettings, args, environment);
}

// The error's text, for a load that must fail with kInvalidRequest.
std::string refused(const Args& args, const Environment& environment = {}) {
  const auto config = load(args, environment);
  REQUIRE_FALSE(config);
  CHECK(config.error().code() == Errc::kInvalidRequest);
  return config.error().what();
}

bool holds(const std::string& text, const std::vector<std::string>& parts) {
  for (const auto& part : parts) {
    CAPTURE(text);
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  return true;
}

struct File {
  TemporaryDirectory directory;
  std::string path = directory.file("test.yaml");

  explicit File(std::string_view text) { write_text(path, text); }
};

TEST_CASE("config: defaults") {
  const auto config = load({});
  REQUIRE(config);
  CHECK(config->text("NODE_ID").empty());
  CHECK(config->number("BROKER_PORT") == 9'092);
  CHECK(config->number("SEGMENT_BYTES") == 67'108'864);
  CHECK(config->number("RETENTION") == 604'800'000);
  CHECK_FALSE(config->flag("INSECURE"));
  CHECK(config->text("FLUSH") == "always");
  for (const auto& setting : kSettings) CHECK_FALSE(config->is_set(setting.name));
}

TEST_CASE("config: file under environment under flags, wherever the file is named") {
  const File file("node_id: file\nbroker_port: 1\nsegment_bytes: 1GiB\nretention: -1\n");
  const Environment environment = {{"NODE_ID", "environment"},
                                   {"BROKER_PORT", "2"},
                                   {"FLUSH", ""},  // empty: not set
                                   {"PATH", "/bin"}};
  const auto check = [](const Result<Config>& config) {
    REQUIRE(config);
    CHECK(config->text("NODE_ID") == "flag");
    CHECK(config->number("BROKER_PORT") == 2);
    CHECK(config->number("SEGMENT_BYTES") == 1'073'741'824);
    CHECK(config->number("RETENTION") == -1);
    CHECK(config->is_set("RETENTION"));
    CHECK_FALSE(config->is_set("FLUSH"));
  };
  check(load({"--config", file.path, "--node-id=flag"}, environment));
  auto with_path = environment;
  with_path["XYLEM_CONFIG"] = file.path;
  check(load({"--node-id", "flag"}, with_path));
  with_path["XYLEM_CONFIG"] = "/nowhere";  // the flag wins here too
  check(load({"--node-id", "flag", "--config", file.path}, with_path));
}

TEST_CASE("config: flags") {
  CHECK(load({"--insecure"})->flag("INSECURE"));
  CHECK(load({"--insecure", "--node-id", "a"})->text("NODE_ID") == "a");
  CHECK_FALSE(load({"--insecure=false"}, {{"INSECURE", "true"}})->flag("INSECURE"));
  CHECK(load({"--retention", "-1"})->number("RETENTION") == -1);
  CHECK(load({"--node-id", "with space, comma"})->text("NODE_ID") == "with space, comma");
  holds(refused({"--node-ids", "a"}), {"--node-ids"});
  holds(refused({"stray"}), {"stray"});
  holds(refused({"--node-id"}), {"--node-id"});
  holds(refused({"--node-id", "a", "--node-id", "b"}), {"--node-id"});
  holds(refused({"--insecure", "--insecure"}), {"--insecure"});
  holds(refused({"--insecure=maybe"}), {"--insecure", "maybe", "true or false"});
}

TEST_CASE("config: bad values name the key, the source, the value and what would be right") {
  holds(refused({"--broker-port", "0"}), {"--broker-port", "\"0\"", "at least 1", "65535"});
  holds(refused({}, {{"BROKER_PORT", "65536"}}), {"environment variable BROKER_PORT", "\"65536\""});
  holds(refused({}, {{"BROKER_PORT", "92x"}}), {"\"92x\"", "whole number"});
  holds(refused({}, {{"SEGMENT_BYTES", "64MB"}}), {"SEGMENT_BYTES", "\"64MB\"", "64MiB"});
  holds(refused({}, {{"SEGMENT_BYTES", "4095"}}), {"at least 4096 bytes"});
  holds(refused({}, {{"RETENTION", "11d"}}), {"RETENTION", "at most 864000000 ms"});
  holds(refused({}, {{"INSECURE", "yes"}}), {"INSECURE", "true or false"});
  holds(refused({}, {{"FLUSH", "alwa"}}), {"FLUSH", "one of always|interval|never"});
  holds(refused({}, {{"FLUSH", "always|interval"}}), {"FLUSH"});
  const File file("broker_port: many\n");
  holds(refused({"--config", file.path}), {file.path, "broker_port", "many"});
}

TEST_CASE("config: unknown keys are errors, where they are ours") {
  holds(refused({}, {{"XYLEM_NODE_ID", "a"}}), {"XYLEM_NODE_ID"});
  CHECK(load({}, {{"XYLEM_BROKER", "b:9092"}, {"XYLEM_REGISTRY", "http://r:1"}}));  // the command's
  const File file("node_id: a\nnode_idd: b\n");
  holds(refused({"--config", file.path}), {file.path, "node_idd"});
}

TEST_CASE("config: files that are not what they should be") {
  holds(refused({"--config", "/nowhere.yaml"}), {"--config", "/nowhere.yaml"});
  holds(refused({}, {{"XYLEM_CONFIG", "/nowhere.yaml"}}), {"XYLEM_CONFIG", "/nowhere.yaml"});
  for (const std::string_view text :
       {"just text", "- a\n- b\n", "node_id: {a: b}\n", "node_id: [[a]]\n", "node_id:\n",
        "[a, b]: c\n", "node_id: a\nnode_id: b\n", "node_id: [a\n", "\tnode_id: a\n"}) {
    CAPTURE(text);
    const File file(text);
    holds(refused({"--config", file.path}), {file.path});
  }
  CHECK(load({"--config", File("").path}));
  CHECK(load({"--config", File("# only a comment\n").path}));
}

TEST_CASE("config: a YAML list is its items joined, a scalar is as written") {
  const File file("node_id: [a, 'b', 03]\njoin_token: 0123\n");
  const auto config = load({"--config", file.path});
  REQUIRE(config);
  CHECK(config->text("NODE_ID") == "a,b,03");
  CHECK(config->text("JOIN_TOKEN") == "0123");
}

TEST_CASE("config: secrets are masked, in the effective configuration and in errors") {
  const auto config = load({"--join-token", "hush"});
  REQUIRE(config);
  CHECK(config->text("JOIN_TOKEN") == "hush");
  const auto effective = config->effective();
  REQUIRE(effective.size() == kSettings.size());
  CHECK(effective[1] == std::pair<std::string, std::string>("BROKER_PORT", "9092"));
  CHECK(effective[6] == std::pair<std::string, std::string>("JOIN_TOKEN", "***"));
  CHECK(load({})->effective()[6].second.empty());
  const auto error = refused({}, {{"SECRET_PORT", "hush"}});
  CHECK(error.find("hush") == std::string::npos);
}

TEST_CASE("config: help lists every setting") {
  const auto config = load({"--help"});
  REQUIRE_FALSE(config);
  CHECK(config.error().code() == Errc::kCancelled);
  holds(config.error().what(),
        {"--config", "--node-id", "This node's id", "NODE_ID", "--broker-port", "default 9092",
         "always|interval|never", "--insecure", "--join-token"});
}

TEST_CASE("config: the process's environment") {
  const auto environment = process_environment();
  CHECK(environment.contains("PATH"));
}

}  // namespace
}  // namespace xylem
