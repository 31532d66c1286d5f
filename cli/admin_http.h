// One exchange with an admin HTTP or a registry. Blocks.
//
// Errors: those of HttpClient; kNotFound for a 404, kUnavailable for a 503, kInvalidRequest for a
// 400, else kIo, with the problem document's detail (RFC 9457).
#pragma once

#include "common/result.h"

#include <string>
#include <vector>

namespace xylem::cli {

Result<std::string> http_get(const std::string& base_url, const std::string& target);

// `body` is JSON.
Result<std::string> http_post(const std::string& base_url,
                              const std::string& target,
                              const std::string& body);

Result<std::string> http_delete(const std::string& base_url, const std::string& target);

// The same with whichever of several brokers of one tier answers first; only for what may be asked
// twice.
struct AdminBrokers {
  std::vector<std::string> urls;

  [[nodiscard]] Result<std::string> get(const std::string& target) const;
  [[nodiscard]] Result<std::string> post(const std::string& target, const std::string& body) const;
};

// "host:port,http://host:port"
Result<AdminBrokers> admin_brokers_of(const std::string& list);

}  // namespace xylem::cli
