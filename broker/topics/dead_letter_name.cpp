#include "broker/topics/dead_letter_name.h"

namespace xylem::broker {

Status check_dead_letter_name(std::string_view topic) {
  constexpr auto kMax = kTopicNameMax - kDeadLetterSuffix.size();
  if (topic.size() <= kMax) return {};
  return fail(Errc::kInvalidRequest,
              "topic field \"deadLetterAfter\": a name of at most " + std::to_string(kMax) +
                  " characters leaves room for \"" + std::string(kDeadLetterSuffix) +
                  "\", the topic of its dead letters; this one has " + std::to_string(topic.size()),
              "a shorter name, or no dead letters");
}

}  // namespace xylem::broker
