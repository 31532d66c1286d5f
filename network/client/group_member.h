// A consumer's membership in its group: says every few seconds what it has, and has what it is
// told.
//
// What moves away is given up before that is said, and what was handled of it is committed before.
// Who hears nothing for most of a session gives up by itself what is shared: others may have it by
// then. Of broadcast topics it loses nothing to anybody, and goes on.
//
// Threads: the loop's. Callbacks run on the loop.
#pragma once

#include "common/timer.h"
#include "network/client/client_session.h"
#include "network/client/consumer.h"
#include "network/client/context.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace xylem::network {

class GroupMember {
 public:
  static constexpr std::uint64_t kFirstBeatMs = 3'000;  // until a coordinator says
  static constexpr std::uint64_t kFirstSessionMs = 10'000;
  static constexpr std::uint64_t kRetryMs = 300;

  using Assigned = std::map<std::string, std::set<PartitionId>>;  // by topic

  struct Hooks {
    std::function<ClientSession*()> coordinator;    // null: it is not connected
    std::function<void(const Error&)> refused;      // by who was thought to be it
    std::function<void(const Assigned&)> assigned;  // exactly these from now on
    std::function<void()> commit;                   // what was handled goes out now
    std::function<void(const Error&)> report;
  };

  GroupMember(const ClientContext& context,
              const Consumer::Options& options,
              std::string member,
              Hooks hooks);
  ~GroupMember();  // it leaves, unless it is an instance that may come back
  GroupMember(const GroupMember&) = delete;
  GroupMember& operator=(const GroupMember&) = delete;

  // The coordinator is connected.
  void reached();

  // False: it is not about the group.
  bool on_frame(const Frame& frame);

 private:
  void beat();
  void on_answer(const Result<Frame>& answer);
  void act_upon(const GroupAssignment& assignment);
  void give_up(const Error& why);
  [[nodiscard]] GroupBeat beat_now() const;

  ClientContext context_;
  const Consumer::Options& options_;
  std::string member_;
  Hooks hooks_;
  Assigned owned_;
  std::set<std::string> broadcast_;  // of the topics in it
  std::uint32_t generation_ = 0;
  std::uint64_t beat_ms_ = kFirstBeatMs;
  std::uint64_t session_ms_ = kFirstSessionMs;
  bool is_asking_ = false;
  bool is_due_ = false;  // again, as soon as this one is answered
  bool is_out_ = false;  // another one has the instance
  Timer beater_;
  Timer patience_;
  std::shared_ptr<const bool> alive_;
};

}  // namespace xylem::network
