// Pipes within one loop, for tests and the simulator: links that call the servers registered under
// their url, and faults on demand.
//
// Threads: the loop's. Requests and answers take one turn of the loop each way.
#pragma once

#include "common/loop.h"
#include "pipe/pipe_connector.h"
#include "pipe/pipe_server.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xylem::pipe {

class MemoryConnector final : public PipeConnector {
 public:
  enum class Fault : std::uint8_t {
    kNone,
    kRefuse,   // kUnavailable, the server never sees it
    kSilence,  // kTimeout in the end, the server never sees it
    kCut,      // the server answers, the child gets kUnavailable
  };

  // Asked for every exchange (not for probes unless it refuses or is silent).
  using Faults = std::function<Fault(const std::string& url)>;

  explicit MemoryConnector(Loop& loop);
  ~MemoryConnector() override;

  // From now on `server` answers at `url`; who was there before is gone.
  void serve(const std::string& url, PipeServer& server);
  void withdraw(const std::string& url);

  void set_faults(Faults faults);

  // Bytes of requests so far.
  [[nodiscard]] std::uint64_t request_bytes() const;

  std::unique_ptr<PipeLink> link(const std::string& url) override;

  class Network;

 private:
  std::shared_ptr<Network> network_;
};

std::unique_ptr<MemoryConnector> make_memory_connector(Loop& loop);

}  // namespace xylem::pipe
