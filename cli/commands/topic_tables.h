// Topics as text and JSON: from METADATA, and from the admin HTTP's documents.
//
// Errors: kCorrupt: the document is not what it should be.
#pragma once

#include "common/result.h"
#include "network/protocol/messages.h"

#include <string>

namespace xylem::cli {

[[nodiscard]] std::string metadata_list(const network::MetadataAnswer& metadata);
[[nodiscard]] std::string metadata_detail(const network::TopicMetadata& topic);
[[nodiscard]] std::string metadata_json(const network::MetadataAnswer& metadata);

Result<std::string> topics_text(const std::string& document, bool with_internal);
Result<std::string> topic_text(const std::string& document);

}  // namespace xylem::cli
