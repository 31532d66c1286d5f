// Entity tags of records (RFC 9110): one record of one history never changes, so where it lies
// names what is answered for it.
#pragma once

#include "common/ids.h"

#include <string>
#include <string_view>

namespace xylem::consumer_app {

// "<topic id>.<generation>.<partition>.<offset>", quotes included.
std::string record_etag(const LogId& log, Offset offset);

// Whether If-None-Match lists `etag`, or is "*". A weak tag counts as the strong one; from the
// first item on that is no entity tag, the list is ignored.
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace xylem::consumer_app
