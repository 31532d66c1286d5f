// HTTP exchanges with the admin listeners of the root tier, keeping a connection to each.
//
// Threads: exchange() from one thread at a time; close() from any.
// Errors: kUnavailable when no root answered; kCancelled after close().
#pragma once

#include "common/http_client.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace xylem::registry {

struct RootRequest {
  std::string method;
  std::string target;  // path and query, percent-encoded
  std::string content_type;
  Buffer body;
  std::vector<std::string> roots;  // host:port, in the order to try
};

class RootClient {
 public:
  static constexpr std::int64_t kTimeoutMs = 10'000;
  static constexpr std::size_t kAnswerBytesMax = 16ULL * 1024 * 1024;

  Result<HttpAnswer> exchange(const RootRequest& request);

  // The exchange that is under way and all later ones end with kCancelled.
  void close();

 private:
  Result<HttpAnswer> exchange_with(const std::string& root, const RootRequest& request);
  Result<HttpClient*> client_of(const std::string& root);

  std::mutex mutex_;
  bool is_closed_ = false;                                      // under mutex_
  std::map<std::string, std::unique_ptr<HttpClient>> clients_;  // under mutex_; never shrinks
};

}  // namespace xylem::registry
