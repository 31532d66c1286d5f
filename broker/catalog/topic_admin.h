// Topic commands as JSON in, JSON out: what ADMIN frames and the HTTP API both call.
//
//   topic.create  {"name":..., policies}        -> the definition
//   topic.alter   {"name":..., policies}        -> the definition
//   topic.delete  {"name":...}                  -> the definition it had
//
// Errors: kInvalidRequest (unknown command, bad JSON), and what TopicCatalog says.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "common/result.h"

#include <functional>
#include <string>
#include <string_view>

namespace xylem::broker {

// That the command is about a topic of this broker's own, which it changes itself.
[[nodiscard]] bool is_about_local(const TopicCatalog& topics, std::string_view json);

using TopicAnswer = std::function<void(Result<std::string>)>;

void run_topic_command(TopicCatalog& topics,
                       std::string_view command,
                       std::string_view json,
                       const TopicAnswer& answer);

}  // namespace xylem::broker
