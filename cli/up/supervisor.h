// All processes of a plan.
//
// Threads: the loop's; callbacks run on it, never inside the call.
#pragma once

#include "cli/up/endpoints_file.h"
#include "cli/up/plan.h"
#include "cli/up/supervised_process.h"
#include "network/client/context.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

class Supervisor {
 public:
  using Done = std::function<void()>;

  // The plan outlives it. `changed`: some pid or state did.
  Supervisor(const network::ClientContext& context,
             const Plan& plan,
             std::string self,
             std::function<void()> changed);

  // Done when each of them serves (or was stopped meanwhile).
  void start(const std::vector<std::string>& ids, const Done& done);

  // Done when none of them runs any more.
  void stop(const std::vector<std::string>& ids, const Done& done);

  [[nodiscard]] std::vector<std::string> ids() const;
  [[nodiscard]] const SupervisedProcess* find(std::string_view id) const;

  [[nodiscard]] const std::vector<std::unique_ptr<SupervisedProcess>>& processes() const {
    return processes_;
  }

  [[nodiscard]] std::vector<Endpoint> endpoints() const;

 private:
  SupervisedProcess& process(std::string_view id);
  void when_settled(const std::vector<std::string>& ids, const Done& done);

  SupervisedProcess::Settings settings_;
  std::vector<std::unique_ptr<SupervisedProcess>> processes_;
};

}  // namespace xylem::cli
