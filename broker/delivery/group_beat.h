// Between the messages of group members and the group's own words.
#pragma once

#include "broker/groups/group.h"
#include "broker/groups/memberships.h"
#include "common/bytes.h"
#include "common/result.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <string>

namespace xylem::broker {

// kInvalidRequest: no name, or one that is too long; no such assignor. kQuotaExceeded: too many
// topics.
Result<Memberships::Said> beat_of(const network::GroupBeat& message, const std::string& client);

Buffer encode_assignment(const std::string& group,
                         const Group::Answer& answer,
                         std::uint32_t session_ms);

}  // namespace xylem::broker
