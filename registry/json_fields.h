// Reads JSON from outside field by field, and remembers the first thing that is wrong with it.
//
//   auto document = JsonDocument::parse(body);
//   auto fields = document->fields();
//   const auto name = fields.text("name", 200);   // "" when absent, null or wrong
//   if (auto good = document->status(); !good) return pass(good);
//
// Limits: nesting of 16 levels, before anything is built deeper.
// Errors: kInvalidRequest with the path, for instance "topics[3].end: must be an integer ...".
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xylem::registry {

// Holds while its JsonDocument does.
class JsonFields {
 public:
  struct State;  // the document's

  JsonFields(State& state, const void* object, std::string path)
      : state_(&state), object_(object), path_(std::move(path)) {}

  // Absent and null: "" and `fallback`.
  std::string text(const char* name, std::size_t characters_max);
  std::int64_t number(const char* name, std::int64_t fallback, std::int64_t min, std::int64_t max);

  bool flag(const char* name, bool fallback);

  // An absent object has no fields.
  JsonFields object(const char* name);

  // Every element of an array of objects.
  void each(const char* name, std::size_t count_max, const std::function<void(JsonFields)>& visit);

  // What the caller found wrong with a field.
  void refuse(const char* name, const std::string& what);

 private:
  const void* find(const char* name) const;  // null: absent or JSON null

  State* state_;
  const void* object_;  // null: absent
  std::string path_;    // "" or "topics[3]."
};

class JsonDocument {
 public:
  // kInvalidRequest: not JSON, nested too deep, not an object.
  static Result<JsonDocument> parse(Bytes text);
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  [[nodiscard]] JsonFields fields();

  // The first refusal of any field so far.
  [[nodiscard]] Status status() const;

 private:
  explicit JsonDocument(std::unique_ptr<JsonFields::State> state);
  std::unique_ptr<JsonFields::State> state_;
};

}  // namespace xylem::registry
