// Any bytes as Avro of a schema (the first byte says which one): no crash, no more values than
// allowed, and what is accepted encodes to bytes that decode to the same.
#include "common/check.h"
#include "network/serializer/serializer.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace {

using xylem::network::make_avro_serializer;
using xylem::network::Serializer;

constexpr std::array<std::string_view, 6> kSchemas = {
    R"({"type":"record","name":"Item","fields":[
        {"name":"value","type":"int"},{"name":"next","type":["null","Item"]}]})",
    R"({"type":"array","items":{"type":"array","items":"null"}})",
    R"({"type":"map","values":["null","boolean","long","double","string","bytes"]})",
    R"({"type":"record","name":"All","fields":[
        {"name":"a","type":"string"},{"name":"b","type":"float"},{"name":"c","type":"double"},
        {"name":"d","type":{"type":"fixed","name":"F","size":3}},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
        {"name":"f","type":"bytes"},{"name":"g","type":"boolean"},{"name":"h","type":"long"}]})",
    R"({"type":"map","values":{"type":"array","items":
        {"type":"record","name":"Pair","fields":[
          {"name":"k","type":"string"},{"name":"v","type":{"type":"map","values":"int"}}]}}})",
    R"(["null",{"type":"record","name":"Endless","fields":[{"name":"r","type":"Endless"}]}])"};

const Serializer& serializer_of(std::size_t index) {
  static std::array<std::unique_ptr<Serializer>, kSchemas.size()> made;
  if (!made.at(index)) {
    auto fresh = make_avro_serializer(kSchemas.at(index));
    XYLEM_CHECK(fresh);
    made.at(index) = std::move(*fresh);
  }
  return *made.at(index);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& serializer = serializer_of(data[0] % kSchemas.size());
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto value = serializer.decode(bytes.subspan(1));
  if (!value) return 0;
  const auto encoded = serializer.encode(*value);
  XYLEM_CHECK(encoded);
  const auto again = serializer.decode(xylem::bytes_of(*encoded));
  XYLEM_CHECK(again);
  XYLEM_CHECK(*serializer.encode(*again) == *encoded);  // a NaN is not itself: bytes are compared
  return 0;
}
