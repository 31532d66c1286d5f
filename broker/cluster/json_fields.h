// Reads the fields of one JSON object of the cluster's: ids, sets, lists. Only for the .cpp files
// that decode.
//
// A field that is missing or wrong gives a default, and done() names the first such one; so it does
// with a field that nobody asked for.
#pragma once

#include "broker/cluster/partition_record.h"
#include "common/ids.h"
#include "common/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

class JsonFields {
 public:
  using Json = nlohmann::json;

  // `what` names the object in errors. An array in place of the object is wrong as a whole.
  JsonFields(const Json& object, std::string_view what);

  [[nodiscard]] bool has(const char* field) const;

  // Integers from `min` to `max`.
  std::int64_t number(const char* field, std::int64_t min, std::int64_t max);
  std::string text(const char* field);
  bool flag(const char* field);
  Uuid uuid(const char* field);
  LogId log(const char* field);
  ReplicaId replica(const char* field);                // kNoReplica too
  std::vector<ReplicaId> replicas(const char* field);  // each once

  // Calls `each` with the elements of an array of at most `max`.
  void list(const char* field, std::size_t max, const std::function<void(const Json&)>& each);

  void refuse(std::string_view field);
  void refuse(Error error);

  [[nodiscard]] Status done();

 private:
  const Json& take(const char* field);

  const Json& object_;
  std::string what_;
  std::set<std::string, std::less<>> taken_;
  std::optional<Error> wrong_;
};

// [topic id, generation, partition]
nlohmann::json to_json_value(const LogId& log);
Result<LogId> log_from_json(const nlohmann::json& value);

nlohmann::json to_json_value(const std::vector<ReplicaId>& replicas);
Result<std::vector<ReplicaId>> replicas_from_json(const nlohmann::json& value);

}  // namespace xylem::broker
