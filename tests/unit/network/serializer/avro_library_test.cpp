// Our Avro beside libavro's: each reads what the other wrote, and of damaged bytes we accept
// nothing that libavro refuses.
#include "network/serializer/serializer.h"

#include <doctest/doctest.h>

#include <avro.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {
namespace {

constexpr std::string_view kSchema = R"({
  "type": "record", "name": "Article", "namespace": "shop", "fields": [
    {"name": "sku", "type": "string"},
    {"name": "price", "type": {"type": "record", "name": "Price", "fields": [
      {"name": "amount", "type": "double"}, {"name": "currency", "type": {
        "type": "enum", "name": "Currency", "symbols": ["EUR", "SEK"]}}]}},
    {"name": "former", "type": ["null", "Price"]},
    {"name": "labels", "type": {"type": "map", "values": "string"}},
    {"name": "stock", "type": {"type": "array", "items": ["int", "long", "boolean"]}},
    {"name": "mark", "type": {"type": "fixed", "name": "Mark", "size": 3}},
    {"name": "blob", "type": "bytes"},
    {"name": "weight", "type": "float"}]})";

Value article() {
  const Value::Map price{{"amount", 1.99}, {"currency", "SEK"}};
  return Value::Map{{"sku", "4711"},
                    {"price", price},
                    {"former", price},
                    {"labels", Value::Map{{"de", "Milch"}, {"sv", "Mj\xC3\xB6lk"}}},
                    {"stock", Value::List{1, 1LL << 40, true, -7}},
                    {"mark", Buffer(3, std::byte{5})},
                    {"blob", Buffer(200, std::byte{200})},
                    {"weight", 0.5}};
}

// What libavro makes of bytes: its own JSON and its own bytes again.
class Library {
 public:
  Library() {
    REQUIRE(avro_schema_from_json_length(kSchema.data(), kSchema.size(), &schema_) == 0);
    class_ = avro_generic_class_from_schema(schema_);
  }

  ~Library() {
    avro_value_iface_decref(class_);
    avro_schema_decref(schema_);
  }

  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  struct Seen {
    std::string json;  // empty: a number is not finite
    std::string bytes;
  };

  [[nodiscard]] std::optional<Seen> see(const std::string& bytes) const {
    avro_value_t value;
    REQUIRE(avro_generic_value_new(class_, &value) == 0);
    auto* reader = avro_reader_memory(bytes.data(), std::ssize(bytes));
    std::optional<Seen> seen;
    if (avro_value_read(reader, &value) == 0) seen = see(value);
    avro_reader_free(reader);
    avro_value_decref(&value);
    return seen;
  }

 private:
  static Seen see(avro_value_t& value) {
    Seen seen;
    char* json = nullptr;
    if (avro_value_to_json(&value, 1, &json) == 0) {
      seen.json = json;
      free(json);  // NOLINT(cppcoreguidelines-owning-memory): libavro's malloc
    }
    std::size_t size = 0;
    REQUIRE(avro_value_sizeof(&value, &size) == 0);
    seen.bytes.resize(size);
    auto* writer = avro_writer_memory(seen.bytes.data(), static_cast<std::int64_t>(size));
    REQUIRE(avro_value_write(writer, &value) == 0);
    avro_writer_free(writer);
    return seen;
  }

  avro_schema_t schema_ = nullptr;
  avro_value_iface_t* class_ = nullptr;
};

TEST_CASE("avro: libavro reads what we wrote, and we what it wrote") {
  const Library library;
  const auto serializer = *make_avro_serializer(kSchema);
  const auto ours = serializer->encode(article());
  REQUIRE(ours);
  const auto seen = library.see(*ours);
  REQUIRE(seen);
  CHECK(seen->json.find(R"("labels": {"de": "Milch", "sv": "Mj)") != std::string::npos);
  CHECK(seen->json.find(R"("price": {"amount": 1.99)") != std::string::npos);
  CHECK(seen->json.find(R"("stock": [{"int": 1}, {"long": 1099511627776}, {"boolean": true})") !=
        std::string::npos);
  CHECK(*serializer->decode(bytes_of(seen->bytes)) == article());
}

TEST_CASE("avro: every cut is refused, and no flipped bit does harm") {
  const Library library;
  const auto serializer = *make_avro_serializer(kSchema);
  const auto bytes = *serializer->encode(article());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(serializer->decode(bytes_of(bytes).first(size)));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto value = serializer->decode(bytes_of(damaged));
    if (!value) continue;
    CAPTURE(bit);
    const auto seen = library.see(damaged);
    REQUIRE(seen);
    const auto again = serializer->decode(bytes_of(seen->bytes));
    REQUIRE(again);
    CHECK(*serializer->encode(*again) == *serializer->encode(*value));
  }
}

}  // namespace
}  // namespace xylem::network
