#include "network/client/admin_client.h"

#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;

struct Asking : ClientWorld {
  AdminClient::Options options;
  std::vector<Result<std::string>> answers;
  std::optional<AdminClient> admin;

  Asking() {
    options.brokers = {first.address};
    options.timeout_ms = 2'000;
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    admin.emplace(context, options);
  }

  void ask(const std::string& name) {
    admin->command(name, "{}", [this](auto answer) { answers.push_back(std::move(answer)); });
  }

  bool answered(std::size_t count) {
    return until([this, count] { return answers.size() >= count; });
  }
};

FakeBroker::Hook answers_admin(std::string json) {
  return [json = std::move(json)](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kAdmin) return false;
    const auto asked = decode<Admin>(frame.payload.bytes);
    return peer.answer(FrameType::kAdmin, frame.id, Admin{asked->command, json}), true;
  };
}

FakeBroker::Hook refuses_admin(Errc code, std::string hint = {}) {
  return [code, hint = std::move(hint)](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kAdmin) return false;
    return peer.refuse(frame.id, code, hint), true;
  };
}

TEST_CASE("admin client: asks before it is connected, and gets answers in order") {
  Asking world;
  world.first.hook = answers_admin("[1]");
  world.first.add_topic("t", 3);
  std::optional<Result<MetadataAnswer>> metadata;
  world.ask("topic.create");
  world.admin->metadata({"t", "u"}, [&](auto answer) { metadata = std::move(answer); });
  CHECK(world.answers.empty());
  REQUIRE(world.until([&] { return metadata.has_value(); }));
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0] == "[1]");
  REQUIRE(*metadata);
  CHECK((*metadata)->topics.at(0).partitions.size() == 3);
  CHECK((*metadata)->unknown == std::vector<std::string>{"u"});
}

TEST_CASE("admin client: follows NOT_LEADER, with everything that waits") {
  Asking world;
  world.first.hook = refuses_admin(Errc::kNotLeader, world.second.address.text());
  world.second.hook = answers_admin("{}");
  for (int i = 0; i < 3; ++i) world.ask("topic.create");
  REQUIRE(world.answered(3));
  for (const auto& answer : world.answers) CHECK(answer);
  CHECK(world.first.count(FrameType::kAdmin) == 1);
}

TEST_CASE("admin client: brokers that point at each other do not keep it busy for ever") {
  Asking world;
  world.first.hook = refuses_admin(Errc::kNotLeader, world.second.address.text());
  world.second.hook = refuses_admin(Errc::kNotLeader, world.first.address.text());
  world.ask("topic.create");
  REQUIRE(world.answered(1));
  CHECK(world.answers[0].error().code() == Errc::kNotLeader);
}

TEST_CASE("admin client: a refusal is handed on") {
  Asking world;
  world.first.hook = refuses_admin(Errc::kAlreadyExists);
  world.ask("topic.create");
  REQUIRE(world.answered(1));
  CHECK(world.answers[0].error().code() == Errc::kAlreadyExists);
}

TEST_CASE("admin client: who cannot say yet is asked again, or another one is") {
  Asking world;
  world.options.brokers = {world.first.address, world.second.address};
  world.first.hook = [](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kMetadata) return false;
    return peer.refuse(frame.id, Errc::kUnavailable, "ask another"), true;
  };
  std::optional<Result<MetadataAnswer>> metadata;
  SUBCASE("the other one knows") {
    world.second.add_topic("t", 3);
    world.admin.emplace(world.context, world.options);
    world.admin->metadata({"t"}, [&](auto answer) { metadata = std::move(answer); });
    REQUIRE(world.until([&] { return metadata.has_value(); }));
    REQUIRE(*metadata);
    CHECK((*metadata)->topics.at(0).partitions.size() == 3);
  }
  SUBCASE("nobody does in time") {
    world.options.timeout_ms = 3'000;
    world.second.hook = world.first.hook;
    world.admin.emplace(world.context, world.options);
    world.admin->metadata({"t"}, [&](auto answer) { metadata = std::move(answer); });
    REQUIRE(world.until([&] { return metadata.has_value(); }));
    REQUIRE_FALSE(*metadata);
    CHECK(metadata->error().code() == Errc::kTimeout);
    CHECK(world.first.count(FrameType::kMetadata) > 1);
  }
}

TEST_CASE("admin client: nobody there, or nobody answers: kTimeout") {
  Asking world;
  world.options.timeout_ms = 20;
  SUBCASE("not there") { world.options.brokers = {{.host = "nobody", .port = 9}}; }
  SUBCASE("silent") {
    world.first.hook = [](Peer&, const Frame& frame) { return frame.type == FrameType::kAdmin; };
  }
  world.admin.emplace(world.context, world.options);
  world.ask("topic.create");
  world.ask("topic.delete");
  REQUIRE(world.answered(2));
  for (const auto& answer : world.answers) CHECK(answer.error().code() == Errc::kTimeout);
}

TEST_CASE("admin client: closing cancels") {
  Asking world;
  world.ask("topic.create");
  world.admin.reset();
  REQUIRE(world.answers.size() == 1);
  CHECK(world.answers[0].error().code() == Errc::kCancelled);
}

}  // namespace
}  // namespace xylem::network
