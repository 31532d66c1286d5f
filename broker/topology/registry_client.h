// Talks to the registry: registers, heartbeats, and takes its assignment from the answers.
//
// One worker thread does the blocking exchange; a report is made on the loop just before. An older
// topology than the one held is refused. The registry being away changes nothing: the last topology
// stays, and the next heartbeat tries again (with jitter). A registry that refuses this node is
// asked ever more seldom, since it takes a person to change its mind.
//
// Threads: the loop's.
#pragma once

#include "broker/topology/node_report.h"
#include "broker/topology/topology.h"
#include "common/backoff.h"
#include "common/http_client.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/worker.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::broker {

class RegistryClient {
 public:
  struct Pace {
    std::uint64_t first_ms = 500;      // between heartbeats while no topology is known
    std::uint64_t refused_ms = 1'000;  // what the first refusal adds at most; it doubles
    std::uint64_t refused_ms_max = 60'000;
  };

  struct Hooks {
    std::function<NodeReport()> report;
    std::function<void(const Topology&)> changed;         // a newer or different topology
    std::function<void(std::string_view json)> answered;  // each answer whose topology holds
    // kDuplicateNode, kUnauthorized, kInvalidRequest: a person must act. Told once, not at each
    // heartbeat.
    std::function<void(const Error&)> refused;
  };

  struct Context {
    Loop& loop;
    Random& random;
    Logger& logger;
    Pace pace;
  };

  // kInvalidRequest: `url` is not http://host:port.
  static Result<std::unique_ptr<RegistryClient>> create(const Context& context,
                                                        const std::string& url,
                                                        Hooks hooks);

  RegistryClient(const Context& context,
                 std::string url,
                 std::unique_ptr<HttpClient> http,
                 Hooks hooks);
  ~RegistryClient();
  RegistryClient(const RegistryClient&) = delete;
  RegistryClient& operator=(const RegistryClient&) = delete;

  // `known`: the cached topology, if any; older ones will be refused.
  void start(std::optional<Topology> known);

  // Heartbeat now: somebody has seen a newer topology version, or we changed. Nothing while the
  // registry is away or refuses us.
  void hurry();

  // Tells the registry that this node goes, so that it need not miss heartbeats first. Last call;
  // destruction waits for it, a second at most.
  void say_goodbye(const NodeId& node, const std::string& instance);

  [[nodiscard]] bool is_reachable() const { return reachable_; }

  [[nodiscard]] const std::string& last_error() const { return last_error_; }

  [[nodiscard]] std::uint64_t version() const { return topology_ ? topology_->version : 0; }

 private:
  void beat();
  void on_answer(Result<HttpAnswer> answer);
  [[nodiscard]] bool take(std::string_view json);
  void on_success(std::string_view json);
  void on_trouble(const Error& error);
  void schedule();

  Context context_;
  Hooks hooks_;
  std::string url_;
  std::unique_ptr<HttpClient> http_;
  std::optional<Topology> topology_;
  bool reachable_ = false;
  std::optional<Errc> trouble_;  // told last; kUnavailable for all that passes by itself
  Backoff refusals_;
  bool beating_ = false;
  bool again_ = false;
  std::string last_error_;
  Timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker worker_;  // last: joined before what it uses goes
};

}  // namespace xylem::broker
