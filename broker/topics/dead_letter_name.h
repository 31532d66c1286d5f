// The name of the topic of a topic's dead letters: behind the topic's own, ".dlq".
#pragma once

#include "common/ids.h"
#include "common/result.h"

#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr std::string_view kDeadLetterSuffix = ".dlq";

inline std::string dead_letter_topic(const std::string& topic) {
  return topic + std::string(kDeadLetterSuffix);
}

// kInvalidRequest: `topic` leaves no room for it within kTopicNameMax.
Status check_dead_letter_name(std::string_view topic);

}  // namespace xylem::broker
