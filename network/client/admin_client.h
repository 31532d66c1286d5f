// Asks a broker: METADATA, and ADMIN commands (topic.create, topic.alter, topic.delete).
//
// Requests wait for a connection; what a broker refuses with NOT_LEADER goes to the one it names. A
// METADATA that a broker cannot answer yet is asked of the next one, until the time is over.
//
// Threads: the loop's. Callbacks run on the loop, never inside the call.
// Errors: kTimeout: no broker answered within `timeout_ms`; kUnavailable: the connection was lost
// after the request left, so it may have been done; else what the broker said.
#pragma once

#include "network/client/context.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::network {

class AdminClient {
 public:
  struct Options {
    std::vector<Address> brokers;  // tried in turn
    std::string client_id = "admin";
    std::uint64_t timeout_ms = 10'000;
    std::uint64_t backoff_ms = 100;
    std::uint64_t backoff_max_ms = 2'000;
  };

  static constexpr int kRedirectsMax = 5;  // per request

  AdminClient(const ClientContext& context, Options options);
  ~AdminClient();  // what is open gets kCancelled
  AdminClient(const AdminClient&) = delete;
  AdminClient& operator=(const AdminClient&) = delete;

  // No topics: all that the client may see.
  void metadata(std::vector<std::string> topics, std::function<void(Result<MetadataAnswer>)> done);

  // `json` in, JSON out.
  void command(std::string name, std::string json, std::function<void(Result<std::string>)> done);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::network
