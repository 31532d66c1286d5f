// The way to the broker that keeps a group's offsets, where several brokers share the groups.
//
// The main session's HELLO says whether there is such a one, its METADATA says who. It gets a
// session of its own: what the group has committed is read there, and commits go there. When it is
// lost, or is the coordinator no more, main is asked again, with back-off; what was not answered is
// asked of the next one.
//
// Threads: the loop's. Callbacks run on the loop, never inside the call.
#pragma once

#include "common/backoff.h"
#include "common/timer.h"
#include "network/client/client_session.h"
#include "network/client/consumer.h"
#include "network/client/context.h"
#include "network/client/offset_commits.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace xylem::network {

class GroupCoordinator {
 public:
  static constexpr std::uint64_t kCommitEveryMs = 100;  // with Commit::kAutomatic

  using Found = std::function<void(const Result<TopicMetadata>&)>;

  struct Hooks {
    // An automatic commit was refused, or nobody says yet what is committed.
    std::function<void(const std::string& topic, const Error& why)> report;
    std::function<void()> reached;            // session() is there, or another one than before
    std::function<void(const Frame&)> frame;  // what it pushes
  };

  GroupCoordinator(const ClientContext& context,
                   const Consumer::Options& options,
                   std::string member,
                   Hooks hooks);
  ~GroupCoordinator();  // what is to be committed is sent
  GroupCoordinator(const GroupCoordinator&) = delete;
  GroupCoordinator& operator=(const GroupCoordinator&) = delete;

  // `main` has a broker, and outlives every call but the destructor.
  void connected(ClientSession& main, const HelloAnswer& hello);

  // This group's offsets are not with the brokers that serve its partitions.
  [[nodiscard]] bool is_needed() const { return is_needed_; }

  // To the group's coordinator: main, or one of its own. Null: it is not connected.
  [[nodiscard]] ClientSession* session() const;

  // It said that it is not the coordinator, or did not answer.
  void refused(const Error& why) {
    if (is_needed_) on_trouble(why);
  }

  // What is to be committed goes out now.
  void send_commits();

  // What the group has committed of the topic, as soon as somebody knows. A later question about
  // the topic takes the place of an earlier one. kUnknownTopicOrPartition.
  void find(const std::string& topic, Found found);

  // Everything below `next` was acknowledged: committed by itself, in the modes that do.
  void acknowledged(const std::string& topic, PartitionId partition, const Cursor& next);

  // kInvalidRequest: below an earlier one; `done` is not called then.
  Status commit(const std::string& topic,
                PartitionId partition,
                const Cursor& next,
                OffsetCommits::Done done);

 private:
  struct Question {
    Found found;
    bool is_asked = false;
  };

  void seek();
  void follow(const Address& address);
  void try_again();
  void go_on();
  void ask();
  void on_found(const std::string& topic, const Result<Frame>& answer);
  void on_committed(const OffsetCommits::Commit& sent, const Status& outcome);
  void on_trouble(const Error& why);

  ClientContext context_;
  const Consumer::Options& options_;
  std::string member_;
  Hooks hooks_;
  bool is_needed_ = false;
  ClientSession* main_ = nullptr;
  bool is_seeking_ = false;
  bool is_known_ = false;  // who it is, as far as we know
  std::map<std::string, Question> questions_;
  OffsetCommits commits_;
  Backoff backoff_;
  Timer retry_;
  Timer commit_timer_;
  std::unique_ptr<ClientSession> session_;
};

}  // namespace xylem::network
