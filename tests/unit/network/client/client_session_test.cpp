#include "network/client/client_session.h"

#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using Peer = testing::FakeBroker::Peer;

struct Connecting : ClientWorld {
  ClientSession::Options options;
  std::vector<Error> lost;
  std::vector<Frame> pushed;
  int ready = 0;
  std::optional<ClientSession> session;

  Connecting() {
    options.brokers = {first.address};
    options.client_id = "c";
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
  }

  ClientSession& start() {
    session.emplace(
        context, options,
        ClientSession::Handlers{.ready = [this](const HelloAnswer&) { ++ready; },
                                .lost = [this](const Error& why) { lost.push_back(why); },
                                .frame = [this](const Frame& frame) { pushed.push_back(frame); },
                                .writable = {}});
    session->start();
    return *session;
  }

  bool is_ready_again(int times) {
    return until([this, times] { return ready >= times; });
  }
};

TEST_CASE("session: HELLO comes first and says who") {
  Connecting world;
  std::vector<Frame> frames;
  world.first.hook = [&](Peer&, const Frame& frame) { return frames.push_back(frame), false; };
  auto& session = world.start();
  CHECK_FALSE(session.is_ready());
  REQUIRE(world.is_ready_again(1));
  REQUIRE(frames.size() == 1);
  const auto hello = decode<Hello>(frames[0].payload.bytes);
  REQUIRE(hello);
  CHECK(hello->client_id == "c");
  CHECK(hello->version == kProtocolVersion);
}

TEST_CASE("session: answers find their requests, whatever their order") {
  Connecting world;
  std::vector<std::uint64_t> asked;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kAdmin) return false;
    asked.push_back(frame.id);
    if (asked.size() < 3) return true;
    peer.refuse(asked[1], Errc::kNotFound, "hint");
    for (const auto at : {2U, 0U}) peer.answer(FrameType::kAdmin, asked[at], Admin{"x", "{}"});
    return true;
  };
  auto& session = world.start();
  REQUIRE(world.is_ready_again(1));
  std::vector<std::pair<int, Result<Frame>>> answers;
  for (int i = 0; i < 3; ++i)
    session.request(FrameType::kAdmin, payload_of(Admin{"x", ""}), 1'000,
                    [&answers, i](auto answer) { answers.emplace_back(i, std::move(answer)); });
  REQUIRE(world.until([&] { return answers.size() == 3; }));
  CHECK(answers[0].first == 1);
  REQUIRE_FALSE(answers[0].second);
  CHECK(answers[0].second.error().code() == Errc::kNotFound);
  CHECK(answers[0].second.error().hint() == "hint");
  CHECK(answers[1].first == 2);
  CHECK(answer_as<Admin>(FrameType::kAdmin, answers[1].second));
  const auto other = answer_as<Admin>(FrameType::kAck, answers[2].second);
  REQUIRE_FALSE(other);
  CHECK(other.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("session: a late answer gives the connection up, and all that waited hears of it") {
  Connecting world;
  world.first.hook = [](Peer&, const Frame& frame) { return frame.type == FrameType::kAdmin; };
  auto& session = world.start();
  REQUIRE(world.is_ready_again(1));
  std::vector<Errc> codes;
  for (const std::uint64_t timeout_ms : {5'000U, 10U})
    session.request(FrameType::kAdmin, {}, timeout_ms,
                    [&](const auto& answer) { codes.push_back(answer.error().code()); });
  REQUIRE(world.until([&] { return codes.size() == 2; }));
  CHECK(codes == std::vector{Errc::kUnavailable, Errc::kTimeout});
  REQUIRE(world.is_ready_again(2));
}

TEST_CASE("session: a server that never answers HELLO is left") {
  Connecting world;
  world.options.brokers = {world.first.address, world.second.address};
  world.options.connect_timeout_ms = 10;
  world.first.hook = [](Peer&, const Frame&) { return true; };
  auto& session = world.start();
  REQUIRE(world.is_ready_again(1));
  CHECK(session.address() == world.second.address);
}

TEST_CASE("session: HELLO refused, or another version") {
  Connecting world;
  int tries = 0;
  Errc expected = Errc::kUnauthorized;
  SUBCASE("refused") {
    world.first.hook = [&](Peer& peer, const Frame& frame) {
      if (tries++ > 0) return false;
      return peer.refuse(frame.id, Errc::kUnauthorized), true;
    };
  }
  SUBCASE("version") {
    expected = Errc::kUnsupportedVersion;
    world.first.hook = [&](Peer& peer, const Frame& frame) {
      if (tries++ > 0) return false;
      return peer.answer(FrameType::kHello, frame.id, HelloAnswer{.version = 99}), true;
    };
  }
  world.start();
  REQUIRE(world.is_ready_again(1));
  REQUIRE(world.lost.size() == 1);
  CHECK(world.lost[0].code() == expected);
}

TEST_CASE("session: three silent heartbeat intervals are the end") {
  Connecting world;
  world.first.heartbeat_ms = 10;
  bool is_answering = true;
  world.first.hook = [&](Peer& peer, const Frame& frame) {
    if (frame.type == FrameType::kHeartbeat && is_answering)
      peer.connection->send(FrameType::kHeartbeat, 0, {});
    return false;
  };
  world.start();
  REQUIRE(world.until([&] { return world.first.count(FrameType::kHeartbeat) > 8; }));
  CHECK(world.lost.empty());
  is_answering = false;
  REQUIRE(world.is_ready_again(2));
  CHECK(world.lost.at(0).code() == Errc::kTimeout);
}

TEST_CASE("session: DISCONNECT goes to the next broker, and says why") {
  Connecting world;
  world.options.brokers = {world.first.address, world.second.address};
  auto& session = world.start();
  REQUIRE(world.is_ready_again(1));
  world.first.peers.front().answer(FrameType::kDisconnect, 0,
                                   to_message(Error(Errc::kUnavailable, "going down")));
  REQUIRE(world.is_ready_again(2));
  CHECK(session.address() == world.second.address);
  CHECK(world.lost.at(0).what().find("going down") != std::string::npos);
}

TEST_CASE("session: redirected to a broker that is not in its list") {
  Connecting world;
  auto& session = world.start();
  REQUIRE(world.is_ready_again(1));
  session.redirect(world.second.address, Error(Errc::kNotLeader, "there"));
  REQUIRE(world.is_ready_again(2));
  CHECK(session.address() == world.second.address);
  session.reconnect(Error(Errc::kUnavailable, "back"));
  REQUIRE(world.is_ready_again(3));
  CHECK(session.address() == world.first.address);
}

TEST_CASE("session: pushed frames and answers that come too late") {
  Connecting world;
  world.start();
  REQUIRE(world.is_ready_again(1));
  world.first.peers.front().refuse(77, Errc::kIo);
  REQUIRE(world.until([&] { return world.pushed.size() == 1; }));
  CHECK(world.pushed[0].id == 77);
}

TEST_CASE("session: destroyed at any point it calls nobody") {
  for (int turns = 0; turns < 6; ++turns) {
    Connecting world;
    world.first.hook = [](Peer&, const Frame& frame) { return frame.type == FrameType::kAdmin; };
    auto& session = world.start();
    testing::run_for(world.loop, static_cast<std::uint64_t>(turns));
    bool is_called = false;
    if (session.is_ready())
      session.request(FrameType::kAdmin, {}, 1, [&](const auto&) { is_called = true; });
    world.session.reset();
    world.turn(10);
    CHECK_FALSE(is_called);
    CHECK(world.lost.empty());
  }
}

}  // namespace
}  // namespace xylem::network
