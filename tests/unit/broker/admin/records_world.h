// A broker's HTTP with one topic, "t", that is written to and taken from.
#pragma once

#include "tests/support/fake_log.h"
#include "tests/support/http_world.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace xylem::testing {

using Json = nlohmann::json;

struct RecordsWorld : HttpWorld {
  explicit RecordsWorld(std::int32_t partitions = 1, storage::Disk* mapped_disk = nullptr)
      : HttpWorld(false, mapped_disk), topic(broker.create("t", partitions)) {}

  [[nodiscard]] broker::Partition& partition(std::int32_t number = 0) const {
    return *broker.partitions->find(topic.log(number));
  }

  void append(int records, std::string_view value = "v", std::int32_t number = 0) {
    bool is_done = false;
    partition(number).append(batch_of(value, records), broker::Acks::kAll, [&](const auto& done) {
      REQUIRE(done);
      is_done = true;
    });
    REQUIRE(run_until(broker.loop, [&] { return is_done; }));
  }

  // Retention takes all below.
  void drop_before(std::int64_t offset, std::int32_t number = 0) {
    REQUIRE(partition(number).log()->drop_before(Offset(offset)));
    broker.partitions->announce(partition(number));
  }

  void remove_topic() {
    std::optional<Result<broker::TopicDefinition>> removed;
    broker.topics->remove("t", [&](auto done) { removed = std::move(done); });
    REQUIRE(run_until(broker.loop, [&] { return removed.has_value(); }));
    REQUIRE(*removed);
  }

  HttpAnswer get(const std::string& query) {
    return ask("GET", "/api/v1/topics/t/records" + query);
  }

  Json page(const std::string& query) {
    const auto answer = get(query);
    CHECK_MESSAGE(answer.status == 200, text_of(answer.body));
    return Json::parse(text_of(answer.body), nullptr, false);
  }

  Json refusal(const std::string& query, int status) {
    const auto answer = get(query);
    CHECK(answer.status == status);
    return Json::parse(text_of(answer.body), nullptr, false);
  }

  broker::TopicDefinition topic;
};

}  // namespace xylem::testing
