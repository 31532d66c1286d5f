#include "cli/bench/bench_topic.h"

#include "common/loop/loop_thread.h"
#include "tests/support/fake_broker.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::cli {
namespace {

// A broker on TCP that notes the topic commands, and has the topic already or not.
class TopicBroker {
 public:
  explicit TopicBroker(bool has_topic) {
    thread_.run([&] {
      broker_.emplace(network::make_tcp_server(thread_.loop(), {}));
      broker_->hook = [this, has_topic](auto& peer, const network::Frame& frame) {
        if (frame.type != network::FrameType::kAdmin) return false;
        const auto asked = *network::decode<network::Admin>(frame.payload.bytes);
        commands_.push_back(asked.command + " " + asked.json);
        if (has_topic && asked.command == "topic.create") {
          peer.refuse(frame.id, Errc::kAlreadyExists);
        } else {
          peer.answer(frame.type, frame.id, asked);
        }
        return true;
      };
    });
  }

  ~TopicBroker() {
    thread_.run([&] { broker_.reset(); });
  }

  TopicBroker(const TopicBroker&) = delete;
  TopicBroker& operator=(const TopicBroker&) = delete;

  std::vector<network::Address> addresses() {
    return thread_.run([&] { return std::vector{broker_->address}; });
  }

  std::vector<std::string> commands() {
    return thread_.run([&] { return commands_; });
  }

 private:
  LoopThread thread_{"broker"};
  std::optional<testing::FakeBroker> broker_;
  std::vector<std::string> commands_;
};

TEST_CASE("bench topic: what a run created is gone after it") {
  TopicBroker broker(false);
  auto topic = BenchTopic::make("b", broker.addresses());
  REQUIRE(topic);
  REQUIRE(topic->clean_up());
  REQUIRE(topic->clean_up());
  CHECK(broker.commands() ==
        std::vector<std::string>{R"(topic.create {"name":"b"})", R"(topic.delete {"name":"b"})"});
}

TEST_CASE("bench topic: one that was there stays") {
  TopicBroker broker(true);
  auto topic = BenchTopic::make("b", broker.addresses());
  REQUIRE(topic);
  REQUIRE(topic->clean_up());
  CHECK(broker.commands() == std::vector<std::string>{R"(topic.create {"name":"b"})"});
}

}  // namespace
}  // namespace xylem::cli
