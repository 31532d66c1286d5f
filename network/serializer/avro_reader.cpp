#include "common/batch/varint.h"
#include "common/text_encoding.h"
#include "network/serializer/avro_schema.h"
#include "network/serializer/value_budget.h"

#include <avro.h>
#include <bit>
#include <cstdint>
#include <limits>
#include <utility>

namespace xylem::network {
namespace {

class AvroReader {
 public:
  explicit AvroReader(Bytes bytes) : left_(bytes) {}

  Result<Value> read(avro_schema_t schema, std::size_t depth) {
    while (is_avro_link(schema)) schema = avro_schema_link_target(schema);
    if (auto taken = budget_.take(depth); !taken) return pass(taken);
    switch (avro_typeof(schema)) {
      case AVRO_RECORD:
        return read_record(schema, depth);
      case AVRO_ARRAY:
        return read_array(schema, depth);
      case AVRO_MAP:
        return read_map(schema, depth);
      case AVRO_UNION:
        return read_union(schema, depth);
      case AVRO_ENUM:
        return read_enum(schema);
      default:
        return read_plain(schema);
    }
  }

  [[nodiscard]] std::size_t bytes_left() const { return left_.size(); }

 private:
  static std::unexpected<Error> bad(std::string what) {
    return fail(Errc::kCorrupt, "not Avro of this schema: " + std::move(what));
  }

  Result<Value> read_plain(avro_schema_t schema) {
    switch (avro_typeof(schema)) {
      case AVRO_NULL:
        return Value();
      case AVRO_BOOLEAN:
        return read_boolean();
      case AVRO_INT32:
        return as_value(read_int());
      case AVRO_INT64:
        return as_value(read_long());
      case AVRO_FLOAT:
        return read_float<float, std::uint32_t>();
      case AVRO_DOUBLE:
        return read_float<double, std::uint64_t>();
      case AVRO_STRING:
        return as_value(read_text());
      case AVRO_BYTES: {
        const auto bytes = read_sized();
        if (!bytes) return std::unexpected(bytes.error());
        return Value(Buffer(bytes->begin(), bytes->end()));
      }
      case AVRO_FIXED: {
        const auto bytes = take(avro_schema_fixed_size(schema));
        if (!bytes) return std::unexpected(bytes.error());
        return Value(Buffer(bytes->begin(), bytes->end()));
      }
      default:
        return bad("a type that is not known here");
    }
  }

  template <class T>
  static Result<Value> as_value(Result<T> read) {
    if (!read) return pass(read);
    return Value(std::move(*read));
  }

  Result<Bytes> take(std::int64_t bytes) {
    if (bytes < 0 || std::cmp_greater(bytes, left_.size()))
      return bad(std::to_string(bytes) + " bytes where " + std::to_string(left_.size()) +
                 " are left");
    const auto taken = left_.first(static_cast<std::size_t>(bytes));
    left_ = left_.subspan(taken.size());
    return taken;
  }

  Result<std::int32_t> read_int() {
    const auto number = take_varint(left_);
    if (!number) return bad("no integer of 32 bits");
    return *number;
  }

  Result<std::int64_t> read_long() {
    const auto number = take_varlong(left_);
    if (!number) return bad("no integer of 64 bits");
    return *number;
  }

  Result<Value> read_boolean() {
    const auto byte = take(1);
    if (!byte) return std::unexpected(byte.error());
    const auto flag = std::to_integer<unsigned>((*byte)[0]);
    if (flag > 1) return bad("a boolean of " + std::to_string(flag));
    return Value(flag == 1);
  }

  template <class Float, class Bits>
  Result<Value> read_float() {
    const auto bytes = take(sizeof(Bits));
    if (!bytes) return std::unexpected(bytes.error());
    return Value(static_cast<double>(std::bit_cast<Float>(std::byteswap(load_be<Bits>(*bytes)))));
  }

  Result<Bytes> read_sized() {
    const auto bytes = read_long();
    if (!bytes) return std::unexpected(bytes.error());
    return take(*bytes);
  }

  Result<std::string> read_text() {
    const auto bytes = read_sized();
    if (!bytes) return std::unexpected(bytes.error());
    const auto text = text_of(*bytes);
    if (!is_utf8(text)) return bad("a text that is not UTF-8");
    return std::string(text);
  }

  Result<Value> read_enum(avro_schema_t schema) {
    const auto index = read_int();
    if (!index) return std::unexpected(index.error());
    if (*index < 0 || *index >= avro_schema_enum_number_of_symbols(schema))
      return bad("symbol " + std::to_string(*index) + " of an enum that has " +
                 std::to_string(avro_schema_enum_number_of_symbols(schema)));
    return Value(avro_schema_enum_get(schema, *index));
  }

  Result<Value> read_union(avro_schema_t schema, std::size_t depth) {
    const auto branch = read_long();
    if (!branch) return std::unexpected(branch.error());
    const auto branches = avro_schema_union_size(schema);
    if (*branch < 0 || std::cmp_greater_equal(*branch, branches))
      return bad("branch " + std::to_string(*branch) + " of a union that has " +
                 std::to_string(branches));
    return read(avro_schema_union_branch(schema, static_cast<int>(*branch)), depth + 1);
  }

  Result<Value> read_record(avro_schema_t schema, std::size_t depth) {
    Value::Map fields;
    const auto count = static_cast<int>(avro_schema_record_size(schema));
    for (int i = 0; i < count; ++i) {
      const std::string name = avro_schema_record_field_name(schema, i);
      auto field = read(avro_schema_record_field_get_by_index(schema, i), depth + 1);
      if (!field) return pass(field, name);
      fields.insert_or_assign(name, std::move(*field));
    }
    return Value(std::move(fields));
  }

  Result<Value> read_array(avro_schema_t schema, std::size_t depth) {
    Value::List items;
    auto* const type = avro_schema_array_items(schema);
    auto read_all = read_blocks([&]() -> Status {
      const auto before = left_.size();
      auto item = read(type, depth + 1);
      if (!item) return pass(item, "item " + std::to_string(items.size()));
      items.push_back(std::move(*item));
      return left_.size() == before ? budget_.take_empty() : Status();
    });
    if (!read_all) return pass(read_all);
    return Value(std::move(items));
  }

  Result<Value> read_map(avro_schema_t schema, std::size_t depth) {
    Value::Map fields;
    auto* const type = avro_schema_map_values(schema);
    auto read_all = read_blocks([&]() -> Status {
      auto name = read_text();
      if (!name) return pass(name);
      auto value = read(type, depth + 1);
      if (!value) return pass(value, *name);
      fields.insert_or_assign(std::move(*name), std::move(*value));
      return {};
    });
    if (!read_all) return pass(read_all);
    return Value(std::move(fields));
  }

  // A count says how often `read_one` is called, never what is reserved: items may have no bytes,
  // so what ends a count that lies is the budget.
  template <class ReadOne>
  Status read_blocks(const ReadOne& read_one) {
    for (;;) {
      auto count = read_long();
      if (!count) return pass(count);
      if (*count == 0) return {};
      if (*count == std::numeric_limits<std::int64_t>::min()) return bad("a block without a count");
      if (*count > 0) {
        if (auto block = read_block(*count, read_one); !block) return block;
        continue;
      }
      const auto said = read_long();
      if (!said) return std::unexpected(said.error());
      const auto before = left_.size();
      if (auto block = read_block(-*count, read_one); !block) return block;
      if (std::cmp_not_equal(*said, before - left_.size()))
        return bad("a block of " + std::to_string(before - left_.size()) + " bytes that says " +
                   std::to_string(*said));
    }
  }

  template <class ReadOne>
  Status read_block(std::int64_t count, const ReadOne& read_one) {
    for (std::int64_t i = 0; i < count; ++i)
      if (auto read = read_one(); !read) return read;
    return {};
  }

  Bytes left_;
  ValueBudget budget_;
};

}  // namespace

Result<Value> read_avro(const AvroSchema& schema, Bytes bytes) {
  AvroReader reader(bytes);
  auto value = reader.read(schema.root(), 1);
  if (value && reader.bytes_left() > 0)
    return fail(Errc::kCorrupt, "not Avro of this schema: " + std::to_string(reader.bytes_left()) +
                                    " bytes after the value");
  return value;
}

}  // namespace xylem::network
