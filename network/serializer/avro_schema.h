// A schema as libavro reads it, and what reads and writes the bytes of one.
//
// libavro knows schemas: names, namespaces, references. The bytes are read here: its own reader
// takes a length's word before it looks whether the bytes are there, and goes as deep as they say.
//
// Threads: one at a time (libavro counts references, and keeps one error text).
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "network/serializer/value.h"

#include <memory>
#include <string>
#include <string_view>

struct avro_obj_t;  // NOLINT(readability-identifier-naming): libavro's name

namespace xylem::network {

class AvroSchema {
 public:
  // kInvalidRequest: no schema, or longer than kSchemaBytesMax.
  static Result<AvroSchema> parse(std::string_view json);

  [[nodiscard]] avro_obj_t* root() const noexcept { return root_.get(); }

 private:
  struct Release {
    void operator()(avro_obj_t* schema) const noexcept;
  };

  explicit AvroSchema(avro_obj_t* root) : root_(root) {}

  std::unique_ptr<avro_obj_t, Release> root_;
};

// The one datum that `bytes` are, all of them. Errors: kCorrupt, kMessageTooLarge.
Result<Value> read_avro(const AvroSchema& schema, Bytes bytes);

// Errors: kSchemaValidationFailed, kMessageTooLarge.
Result<std::string> write_avro(const AvroSchema& schema, const Value& value);

}  // namespace xylem::network
