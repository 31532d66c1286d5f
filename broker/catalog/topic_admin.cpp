#include "broker/catalog/topic_admin.h"

#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

Result<std::string> name_in(std::string_view json) {
  auto object = parse_json(json);
  if (!object) return pass(object);
  if (!object->is_object() || !object->contains("name") || !(*object)["name"].is_string())
    return fail(Errc::kInvalidRequest, "a JSON object with a string \"name\" is needed");
  return (*object)["name"].get<std::string>();
}

}  // namespace

bool is_about_local(const TopicCatalog& topics, std::string_view json) {
  const auto name = name_in(json);
  return name && topics.is_local(*name);
}

void run_topic_command(TopicCatalog& topics,
                       std::string_view command,
                       std::string_view json,
                       const TopicAnswer& answer) {
  auto settle = [answer](const Result<TopicDefinition>& topic) {
    if (!topic) return answer(std::unexpected(topic.error()));
    answer(to_json(*topic));
  };
  if (command == "topic.create") {
    auto request = topic_request_from_json(json);
    if (!request) return answer(pass(request));
    return topics.create(std::move(*request), std::move(settle));
  }
  auto name = name_in(json);
  if (!name) return answer(pass(name));
  if (command == "topic.alter") return topics.alter(*name, json, std::move(settle));
  if (command == "topic.delete") return topics.remove(*name, std::move(settle));
  answer(fail(Errc::kInvalidRequest, "unknown command \"" + std::string(command) + "\"",
              "topic.create, topic.alter, topic.delete"));
}

}  // namespace xylem::broker
