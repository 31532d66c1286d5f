// What a request for a stream of records asks for: which partitions, and from where on each.
//
// Threads: the loop's.
#pragma once

#include "broker/admin/record_stream.h"
#include "broker/delivery/client_context.h"
#include "network/http/http_server.h"

#include <optional>
#include <string>

namespace xylem::broker {

struct StreamRequest {
  RecordStream::Source source;
  std::string lost;  // the position of another history that came with it, and was reset
};

// Answers `reply` and is nothing, where it cannot be.
std::optional<StreamRequest> stream_request(const ClientContext& context,
                                            const network::HttpRequest& request,
                                            network::HttpReply& reply);

}  // namespace xylem::broker
