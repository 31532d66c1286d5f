// Typed values to the bytes of a record's key or value, and back. Producer and Consumer know
// nothing of it: whoever has a Value encodes it before send() and decodes it in a handler.
//
//   const auto json = make_json_serializer();
//   auto text = json->encode(Value::Map{{"sku", "4711"}});
//   if (text) producer.send("prices", {.key = "4711", .value = *text}, settled);
//   ...
//   auto value = json->decode(*record.value);
//   if (!value) return pass(value);  // the retry policy decides
//
// Bytes: a Buffer, or a text as its UTF-8; any bytes decode, to a Buffer.
//
// JSON (RFC 8259): a number without fraction and exponent is an integer of 64 bits with a sign, or
// refused; any other is a double, and is written with a fraction or an exponent. Bytes have no
// form. Of a repeated name the last counts.
//
// Avro: one datum in the binary encoding of the Avro specification 1.11, and nothing else: no
// schema, no fingerprint, no file around it. Reader and writer must be given the same schema.
//   null          nothing             record     its fields in the schema's order
//   boolean       one byte, 0 or 1    enum       int: the symbol's index; here: a text
//   int, long     zig-zag varint      array      blocks of: count long, items; ended by 0; a count
//   float, double little-endian                  below 0 is followed by the block's bytes (long)
//   bytes, string long, bytes         map        as an array of: string, value
//   fixed         its bytes           union      long: the branch's index, then that
// A record's map has every field and no other. An integer may be given for a double that holds it.
// A union takes the first branch of just the value's type, else the first that can hold it; of
// records the first with those fields. Logical types are what carries them, defaults are not used.
//
// Limits: those below, also for encoding. A length is compared with the bytes that are left before
// anything is allocated for it; of what a count says nothing is.
// Errors: decode: kCorrupt (not that format, or not of that schema; says where),
// kMessageTooLarge (a limit). encode: kInvalidRequest (has no form), kSchemaValidationFailed (does
// not fit the schema; names the field), kMessageTooLarge.
// Threads: the user's, one at a time.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "network/serializer/value.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace xylem::network {

inline constexpr std::size_t kValueBytesMax = 16ULL * 1024 * 1024;  // of one encoded value
inline constexpr std::size_t kValueDepthMax = 16;       // values in values, unions counted
inline constexpr std::size_t kValueCountMax = 250'000;  // in one, itself counted
inline constexpr std::size_t kEmptyItemsMax = 1'000;    // Avro: of arrays, such as of nulls
inline constexpr std::size_t kSchemaBytesMax = 64ULL * 1024;

class Serializer {
 public:
  virtual ~Serializer() = default;

  [[nodiscard]] virtual Result<std::string> encode(const Value& value) const = 0;
  [[nodiscard]] virtual Result<Value> decode(Bytes bytes) const = 0;
};

std::unique_ptr<Serializer> make_bytes_serializer();
std::unique_ptr<Serializer> make_json_serializer();

// `schema` is Avro's JSON. kInvalidRequest: it is none, with the library's reason.
Result<std::unique_ptr<Serializer>> make_avro_serializer(std::string_view schema);

}  // namespace xylem::network
