// Brings a started tree to the point where everything serves: brokers ready and below a parent,
// topics made and seen at the leaves, the consumer whole.
//
// Each step is tried until it succeeds; `waiting_for()` says what it hangs on.
//
// Threads: the loop's, and a worker for HTTP. The callback runs on the loop, once.
#pragma once

#include "cli/up/plan.h"
#include "common/timer.h"
#include "common/worker.h"
#include "network/client/admin_client.h"
#include "network/client/context.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::cli {

class Readiness {
 public:
  static constexpr std::uint64_t kLookEveryMs = 50;

  Readiness(const network::ClientContext& context, const Plan& plan);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Each in turn: /readyz, and a broker below the root must follow a parent.
  void wait_ready(std::vector<const ProcessSpec*> processes, std::function<void()> done);

  // Makes the plan's topics at the root, those that are not there.
  void make_topics(std::function<void(Status)> done);

  // Until every leaf knows every topic.
  void wait_topics(std::function<void()> done);

  [[nodiscard]] const std::string& waiting_for() const { return waiting_for_; }

 private:
  void look(std::size_t index);
  void make_topic(std::size_t index);
  void ask_leaf(std::size_t index);
  void again(std::function<void()> step);

  network::ClientContext context_;
  const Plan& plan_;
  std::string waiting_for_;
  std::vector<const ProcessSpec*> asked_;
  std::function<void()> done_;
  std::function<void(Status)> topics_made_;
  std::unique_ptr<network::AdminClient> admin_;
  std::vector<std::unique_ptr<network::AdminClient>> retired_;  // not inside their own callback
  Timer later_;
  std::shared_ptr<const bool> alive_;  // weakly held by answers on their way
  Worker worker_;
};

}  // namespace xylem::cli
