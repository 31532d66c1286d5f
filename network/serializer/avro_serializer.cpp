#include "network/serializer/avro_schema.h"
#include "network/serializer/serializer.h"
#include "network/serializer/value_budget.h"

#include <avro.h>
#include <utility>

namespace xylem::network {
namespace {

class AvroSerializer final : public Serializer {
 public:
  explicit AvroSerializer(AvroSchema schema) : schema_(std::move(schema)) {}

  [[nodiscard]] Result<std::string> encode(const Value& value) const override {
    return write_avro(schema_, value);
  }

  [[nodiscard]] Result<Value> decode(Bytes bytes) const override {
    if (auto fits = ValueBudget::check_bytes(bytes.size()); !fits) return pass(fits);
    return read_avro(schema_, bytes);
  }

 private:
  AvroSchema schema_;
};

}  // namespace

void AvroSchema::Release::operator()(avro_obj_t* schema) const noexcept {
  avro_schema_decref(schema);
}

Result<AvroSchema> AvroSchema::parse(std::string_view json) {
  if (json.size() > kSchemaBytesMax)
    return fail(Errc::kInvalidRequest, "an Avro schema of " + std::to_string(json.size()) +
                                           " bytes; at most " + std::to_string(kSchemaBytesMax) +
                                           " are allowed");
  avro_schema_t root = nullptr;
  if (avro_schema_from_json_length(json.data(), json.size(), &root) != 0 || root == nullptr)
    return fail(Errc::kInvalidRequest, std::string("not an Avro schema: ") + avro_strerror());
  return AvroSchema(root);
}

Result<std::unique_ptr<Serializer>> make_avro_serializer(std::string_view schema) {
  auto parsed = AvroSchema::parse(schema);
  if (!parsed) return pass(parsed);
  return std::make_unique<AvroSerializer>(std::move(*parsed));
}

}  // namespace xylem::network
