// What is asked for by POST /api/v1/refreshes and by a stop, checked.
//
// Limits: kWaveNodesMax nodes a wave, texts of at most 256 characters.
// Errors: kInvalidRequest names the field and what it should be.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "registry/refresh/refresh_record.h"

#include <cstdint>
#include <string>

namespace xylem::registry {

inline constexpr std::int64_t kWaveNodesMax = 1'000;
inline constexpr std::int64_t kWaveNodesDefault = 50;

struct RefreshRequest {
  std::string topic;
  RefreshScope scope;
  std::int64_t wave_nodes = kWaveNodesDefault;
  std::int64_t failures_max = 0;
  std::string reason;
  std::string who;
};

Result<RefreshRequest> decode_refresh_request(Bytes json);

struct StopRequest {
  std::string reason;
  std::string who;
};

Result<StopRequest> decode_stop_request(Bytes json);  // nothing at all is one, too

}  // namespace xylem::registry
