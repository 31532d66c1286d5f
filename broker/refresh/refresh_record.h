// A refresh as state.db keeps it: kind "refresh", key the id's text, value
//
//   {"topic":"prices","topicId":"<32 hex>","generation":0,"state":"REPLAYING","reason":"...",
//    "startedBy":"...","startedAt":ms,"endedAt":ms or null,"rebuild":false,"barrier":[offsets],
//    "owed":{"<consumer>":count},"failure":"","stalled":true}
//
// `owed`: who had not finished when it was written, here or away. `stalled`: it ended because
// nothing moved; left out where it did not.
#pragma once

#include "broker/refresh/refresh_run.h"
#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr std::string_view kRefreshKind = "refresh";

struct RefreshRecord {
  RefreshRun::Definition definition;
  RefreshStatus status;  // state, end, barrier, failure
  RefreshRun::Owed owed;
  bool has_stalled = false;
};

[[nodiscard]] Buffer encode_refresh(const RefreshRecord& record);

// kCorrupt: it is none.
Result<RefreshRecord> decode_refresh(std::string_view key, Bytes value);

}  // namespace xylem::broker
