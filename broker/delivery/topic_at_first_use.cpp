#include "broker/delivery/topic_at_first_use.h"

#include <utility>

namespace xylem::broker {

void find_at_first_use(ClientContext& context, const std::string& name, TopicCatalog::Done done) {
  if (const auto* topic = context.topics.find(name)) return done(*topic);
  if (auto current = context.topics.is_current(); !current) return done(pass(current));
  if (!context.auto_create_topics || !context.topics.is_owner()) {
    return done(
        fail(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\"", "create it first"));
  }
  context.topics.find_or_create(name, std::move(done));
}

}  // namespace xylem::broker
