// What a root says of topics (GET /api/v1/topics of a broker), with what the others report.
//
// A root has the offsets of its own replicas only. Of the other partitions it names the leader,
// and the leader's last report says the rest.
#pragma once

#include "registry/registry_service.h"

#include <string>
#include <string_view>

namespace xylem::registry {

// One topic or all of them, with nothing missing that a report knows. What is no such answer is
// passed on as it is.
std::string with_reports(std::string_view topics_json, const RegistryService& service);

// {"partitions": [...]} of all topics. kInvalidRequest: it is no such answer.
Result<std::string> partitions_document(std::string_view topics_json);

}  // namespace xylem::registry
