#include "cli/client_runtime.h"

namespace xylem::cli {

ClientRuntime::ClientRuntime()
    : random_(system_seed()),
      network_(network::make_tcp_client(loop_, {})),
      signals_(loop_, [this] { interrupted(); }) {}

ClientRuntime::~ClientRuntime() = default;

network::ClientContext ClientRuntime::context() {
  return {loop_, *network_, clock_, random_, Logger::none()};
}

ExitCode ClientRuntime::run() {
  loop_.run();
  return code_;
}

void ClientRuntime::finish(ExitCode code) {
  code_ = code;
  loop_.stop();
}

void ClientRuntime::interrupted() {
  if (interrupt_) return interrupt_();
  finish(ExitCode::kInterrupted);
}

}  // namespace xylem::cli
