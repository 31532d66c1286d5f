// One member, and a leader that says what the test wants.
#include "broker/cluster/quorum/quorum.h"
#include "broker/cluster/quorum/raft_codec.h"
#include "tests/sim/sim_disk.h"

#include <doctest/doctest.h>

#include <deque>
#include <vector>

namespace xylem::broker {
namespace {

constexpr raft_term kTerm = 2;

class Member {
 public:
  Member() {
    auto store = QuorumStore::open(disk_, "/quorum");
    REQUIRE(store);
    auto opened = Quorum::open(
        {.self = ReplicaId(1), .snapshot_entries = 20, .trailing_entries = 5},
        {.apply = [this](Bytes) -> Status {
           ++applied;
           return {};
         },
         .snapshot = [] { return Buffer(); },
         .restore = [](Bytes) -> Status { return {}; }},
        {.clock = clock_,
         .random = random_,
         .work =
             [this](std::function<void()> work, std::function<void()> done) {
               work();
               due_.push_back(std::move(done));
             },
         .send = [this](ReplicaId, Buffer message) { sent_.push_back(std::move(message)); }},
        std::move(*store));
    REQUIRE(opened);
    quorum_ = std::move(*opened);
    REQUIRE(quorum_->bootstrap({ReplicaId(0), ReplicaId(1), ReplicaId(2)}));
    REQUIRE(quorum_->start());
  }

  ~Member() {
    quorum_->close([] {});
    run();
  }

  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Entries behind `previous`, all up to `last`, which are decided. The answer.
  raft_append_entries_result offer(raft_index previous, raft_index last) {
    std::byte command{};
    std::vector<raft_entry> entries(last - previous);
    for (auto& entry : entries) {
      entry.term = kTerm;
      entry.type = RAFT_COMMAND;
      entry.buf = {&command, 1};
    }
    raft_message message{};
    message.type = RAFT_IO_APPEND_ENTRIES;
    message.append_entries = {kTerm, previous,       previous == 1 ? 1 : kTerm,
                              last,  entries.data(), static_cast<unsigned>(entries.size())};
    const auto answer = answer_to(message);
    REQUIRE(answer.type == RAFT_IO_APPEND_ENTRIES_RESULT);
    return answer.append_entries_result;
  }

  // Somebody with the first entry alone wants to lead in `term`, or to know whether he could.
  raft_request_vote_result vote(raft_term term, bool is_pre_vote) {
    raft_message message{};
    message.type = RAFT_IO_REQUEST_VOTE;
    message.request_vote = {.term = term,
                            .candidate_id = 1,
                            .last_log_index = 1,
                            .last_log_term = 1,
                            .disrupt_leader = false,
                            .pre_vote = is_pre_vote};
    const auto answer = answer_to(message);
    REQUIRE(answer.type == RAFT_IO_REQUEST_VOTE_RESULT);
    return answer.request_vote_result;
  }

  int applied = 0;

 private:
  // Of the first member.
  raft_message answer_to(const raft_message& message) {
    sent_.clear();
    REQUIRE(quorum_->receive(ReplicaId(0), encode(message)));
    run();
    REQUIRE_FALSE(sent_.empty());
    raft_message answer{};
    REQUIRE(decode(sent_.back(), answer));
    return answer;
  }

  void run() {
    while (!due_.empty()) {
      const auto done = std::move(due_.front());
      due_.pop_front();
      done();
    }
  }

  sim::SimDisk disk_;
  ManualClock clock_;
  Random random_{1};
  std::deque<std::function<void()>> due_;
  std::vector<Buffer> sent_;
  std::unique_ptr<Quorum> quorum_;
};

TEST_CASE("quorum member: what it has in a snapshot it takes again, and what comes behind it") {
  Member member;
  CHECK(member.offer(1, 31).last_log_index == 31);  // now 26 entries are in the snapshot alone
  CHECK(member.applied == 30);
  for (const raft_index previous : {1, 2, 10, 25, 26, 30, 31}) {
    CAPTURE(previous);
    const auto answer = member.offer(previous, 32);
    CHECK(answer.rejected == 0);
    CHECK(answer.last_log_index == 32);
  }
  const auto old = member.offer(3, 9);
  CHECK(old.rejected == 0);
  CHECK(old.last_log_index <= 32);
  CHECK(member.applied == 31);
}

TEST_CASE("quorum member: who asks in an older term hears of the newer one, also before he votes") {
  Member member;
  CHECK(member.vote(7, false).vote_granted);
  const auto could = member.vote(3, true);
  CHECK_FALSE(could.vote_granted);
  CHECK(could.term == 7);
  CHECK(member.vote(8, true).vote_granted);
}

}  // namespace
}  // namespace xylem::broker
