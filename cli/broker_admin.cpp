#include "cli/broker_admin.h"

#include "network/client/admin_client.h"

#include <utility>

namespace xylem::cli {

Result<std::string> ask_broker(ClientRuntime& runtime,
                               const std::vector<network::Address>& brokers,
                               const std::string& command,
                               const std::string& json) {
  Result<std::string> answer = fail(Errc::kCancelled, "interrupted");
  network::AdminClient admin(runtime.context(), {.brokers = brokers, .client_id = "xylem"});
  admin.command(command, json, [&](Result<std::string> done) {
    answer = std::move(done);
    runtime.finish(ExitCode::kOk);
  });
  runtime.run();
  return answer;
}

}  // namespace xylem::cli
