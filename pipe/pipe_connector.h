// How a child reaches a parent: a seam with two implementations, HTTP and in-memory.
//
// Threads: the loop's; callbacks run there, never inside the call.
#pragma once

#include "common/bytes.h"
#include "common/loop.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xylem::pipe {

// One parent's pipe. One exchange at a time.
class PipeLink {
 public:
  using Answer = std::function<void(Result<Slice>)>;

  virtual ~PipeLink() = default;  // a running exchange is dropped: its callback never runs

  // POST /pipe/v1/fetch. kUnavailable: refused or reset; kTimeout: silent for `timeout_ms`;
  // otherwise what the parent's problem document said.
  virtual void fetch(Buffer request, std::uint64_t timeout_ms, Answer answer) = 0;

  // GET /pipe/v1/status: success when it answers.
  virtual void probe(std::uint64_t timeout_ms, std::function<void(Status)> answer) = 0;
};

class PipeConnector {
 public:
  virtual ~PipeConnector() = default;

  // `url`: http://host:port
  virtual std::unique_ptr<PipeLink> link(const std::string& url) = 0;
};

// A thread per link (the client blocks).
std::unique_ptr<PipeConnector> make_http_connector(Loop& loop);

}  // namespace xylem::pipe
