#include "common/batch/varint.h"
#include "common/text_encoding.h"
#include "network/serializer/avro_schema.h"
#include "network/serializer/value_budget.h"

#include <algorithm>
#include <array>
#include <avro.h>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace xylem::network {
namespace {

constexpr std::int64_t kExactDoubleMax = std::int64_t{1} << std::numeric_limits<double>::digits;
constexpr std::int64_t kExactFloatMax = std::int64_t{1} << std::numeric_limits<float>::digits;

enum class Fit : std::uint8_t { kNo, kConverted, kExact };

Fit exact_if(bool fits) { return fits ? Fit::kExact : Fit::kNo; }

// An integer is a float too, as long as every digit is kept.
Fit fit_of_float(const Value& value, std::int64_t exact_max) {
  if (value.as<double>() != nullptr) return Fit::kExact;
  const auto* whole = value.as<std::int64_t>();
  const bool fits = whole != nullptr && *whole >= -exact_max && *whole <= exact_max;
  return fits ? Fit::kConverted : Fit::kNo;
}

bool is_narrow(double number) {
  return !std::isfinite(number) || std::abs(number) <= std::numeric_limits<float>::max();
}

bool has_symbol(avro_schema_t schema, const std::string& symbol) {
  // A C text: what is behind a NUL would not be compared.
  return symbol.find('\0') == std::string::npos &&
         avro_schema_enum_get_by_name(schema, symbol.c_str()) >= 0;
}

bool has_fields(avro_schema_t schema, const Value::Map& fields) {
  const auto count = avro_schema_record_size(schema);
  if (fields.size() != count) return false;
  for (int i = 0; std::cmp_less(i, count); ++i)
    if (!fields.contains(std::string_view(avro_schema_record_field_name(schema, i)))) return false;
  return true;
}

Fit fit_of_named(avro_schema_t schema, const Value& value) {
  switch (avro_typeof(schema)) {
    case AVRO_RECORD: {
      const auto* fields = value.as<Value::Map>();
      return exact_if(fields != nullptr && has_fields(schema, *fields));
    }
    case AVRO_ENUM: {
      const auto* symbol = value.as<std::string>();
      return exact_if(symbol != nullptr && has_symbol(schema, *symbol));
    }
    case AVRO_FIXED: {
      const auto* bytes = value.as<Buffer>();
      return exact_if(bytes != nullptr &&
                      std::cmp_equal(bytes->size(), avro_schema_fixed_size(schema)));
    }
    default:
      return Fit::kNo;
  }
}

// As far as can be told without looking into it: what a union's branch is chosen by.
Fit fit_of(avro_schema_t schema, const Value& value) {
  switch (avro_typeof(schema)) {
    case AVRO_NULL:
      return exact_if(value.is_null());
    case AVRO_BOOLEAN:
      return exact_if(value.as<bool>() != nullptr);
    case AVRO_INT32: {
      const auto* whole = value.as<std::int64_t>();
      return exact_if(whole != nullptr && std::in_range<std::int32_t>(*whole));
    }
    case AVRO_INT64:
      return exact_if(value.as<std::int64_t>() != nullptr);
    case AVRO_FLOAT: {
      const auto* number = value.as<double>();
      if (number != nullptr) return is_narrow(*number) ? Fit::kConverted : Fit::kNo;
      return fit_of_float(value, kExactFloatMax);
    }
    case AVRO_DOUBLE:
      return fit_of_float(value, kExactDoubleMax);
    case AVRO_STRING: {
      const auto* text = value.as<std::string>();
      return exact_if(text != nullptr && is_utf8(*text));
    }
    case AVRO_BYTES:
      return exact_if(value.as<Buffer>() != nullptr);
    case AVRO_ARRAY:
      return exact_if(value.as<Value::List>() != nullptr);
    case AVRO_MAP:
      return exact_if(value.as<Value::Map>() != nullptr);
    default:
      return fit_of_named(schema, value);
  }
}

avro_schema_t resolved(avro_schema_t schema) {
  while (is_avro_link(schema)) schema = avro_schema_link_target(schema);
  return schema;
}

class AvroWriter {
 public:
  Status write(avro_schema_t schema, const Value& value, std::size_t depth) {
    schema = resolved(schema);
    if (auto taken = budget_.take(depth); !taken) return taken;
    if (is_avro_union(schema)) return write_union(schema, value, depth);
    if (fit_of(schema, value) == Fit::kNo) return misfit(schema, value);
    switch (avro_typeof(schema)) {
      case AVRO_RECORD:
        return write_record(schema, *value.as<Value::Map>(), depth);
      case AVRO_ARRAY:
        return write_array(schema, *value.as<Value::List>(), depth);
      case AVRO_MAP:
        return write_map(schema, *value.as<Value::Map>(), depth);
      default:
        write_plain(schema, value);
        return ValueBudget::check_bytes(out_.size());
    }
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  static Status misfit(avro_schema_t schema, const Value& value) {
    const std::string expected = avro_schema_type_name(schema);
    const auto* fields = value.as<Value::Map>();
    if (is_avro_record(schema) && fields != nullptr) return other_fields(schema, *fields);
    return fail(Errc::kSchemaValidationFailed,
                std::string(value.kind()) + " does not fit the schema's " + expected);
  }

  static Status other_field(std::string what, const std::string& name) {
    what += " \"" + name + "\"";
    return fail(Errc::kSchemaValidationFailed, std::move(what));
  }

  // Of a record and a map that differ in their names.
  static Status other_fields(avro_schema_t schema, const Value::Map& fields) {
    const std::string record = avro_schema_type_name(schema);
    for (int i = 0; std::cmp_less(i, avro_schema_record_size(schema)); ++i) {
      const std::string name = avro_schema_record_field_name(schema, i);
      if (!fields.contains(name)) return other_field(record + " needs the field", name);
    }
    for (const auto& [name, value] : fields) {
      const bool is_there = name.find('\0') == std::string::npos &&
                            avro_schema_record_field_get_index(schema, name.c_str()) >= 0;
      if (!is_there) return other_field(record + " has no field", name);
    }
    return fail(Errc::kSchemaValidationFailed, record + " names a field twice");
  }

  void write_long(std::int64_t number) {
    std::array<std::byte, kVarintMax> bytes{};
    const auto* end = put_varint(number, bytes.data());
    append_bytes({bytes.data(), end});
  }

  void append_bytes(Bytes bytes) { out_ += text_of(bytes); }

  template <class Bits, class Float>
  void write_float(Float number) {
    std::array<std::byte, sizeof(Bits)> bytes{};
    store_be(std::byteswap(std::bit_cast<Bits>(number)), MutableBytes(bytes));
    append_bytes(bytes);
  }

  void write_sized(Bytes bytes) {
    write_long(static_cast<std::int64_t>(bytes.size()));
    append_bytes(bytes);
  }

  static double number_of(const Value& value) {
    const auto* whole = value.as<std::int64_t>();
    return whole != nullptr ? static_cast<double>(*whole) : *value.as<double>();
  }

  // Of a value that fits.
  void write_plain(avro_schema_t schema, const Value& value) {
    switch (avro_typeof(schema)) {
      case AVRO_BOOLEAN:
        out_ += *value.as<bool>() ? '\1' : '\0';
        return;
      case AVRO_INT32:
      case AVRO_INT64:
        return write_long(*value.as<std::int64_t>());
      case AVRO_FLOAT:
        return write_float<std::uint32_t>(static_cast<float>(number_of(value)));
      case AVRO_DOUBLE:
        return write_float<std::uint64_t>(number_of(value));
      case AVRO_STRING:
        return write_sized(bytes_of(*value.as<std::string>()));
      case AVRO_BYTES:
        return write_sized(*value.as<Buffer>());
      case AVRO_FIXED:
        return append_bytes(*value.as<Buffer>());
      case AVRO_ENUM:
        return write_long(avro_schema_enum_get_by_name(schema, value.as<std::string>()->c_str()));
      default:
        return;  // null
    }
  }

  Status write_union(avro_schema_t schema, const Value& value, std::size_t depth) {
    int chosen = -1;
    auto best = Fit::kNo;
    for (int i = 0; std::cmp_less(i, avro_schema_union_size(schema)); ++i) {
      const auto fit = fit_of(resolved(avro_schema_union_branch(schema, i)), value);
      if (fit > best) {
        best = fit;
        chosen = i;
      }
    }
    if (chosen < 0)
      return fail(Errc::kSchemaValidationFailed,
                  std::string(value.kind()) + " fits no branch of the union");
    write_long(chosen);
    return write(avro_schema_union_branch(schema, chosen), value, depth + 1);
  }

  Status write_record(avro_schema_t schema, const Value::Map& fields, std::size_t depth) {
    for (int i = 0; std::cmp_less(i, fields.size()); ++i) {
      const std::string_view name = avro_schema_record_field_name(schema, i);
      auto written = write(avro_schema_record_field_get_by_index(schema, i),
                           fields.find(name)->second, depth + 1);
      if (!written) return pass(written, name);
    }
    return {};
  }

  Status write_array(avro_schema_t schema, const Value::List& items, std::size_t depth) {
    if (!items.empty()) write_long(std::ssize(items));
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto before = out_.size();
      auto written = write(avro_schema_array_items(schema), items[i], depth + 1);
      if (written && out_.size() == before) written = budget_.take_empty();
      if (!written) return pass(written, "item " + std::to_string(i));
    }
    write_long(0);
    return {};
  }

  Status write_map(avro_schema_t schema, const Value::Map& fields, std::size_t depth) {
    if (!fields.empty()) write_long(std::ssize(fields));
    for (const auto& [name, value] : fields) {
      if (!is_utf8(name))
        return fail(Errc::kSchemaValidationFailed, "a name in a map is not UTF-8");
      write_sized(bytes_of(name));
      if (auto fits = ValueBudget::check_bytes(out_.size()); !fits) return fits;
      auto written = write(avro_schema_map_values(schema), value, depth + 1);
      if (!written) return pass(written, name);
    }
    write_long(0);
    return {};
  }

  static constexpr std::size_t kVarintMax = 10;  // bytes of any 64-bit number

  std::string out_;
  ValueBudget budget_;
};

}  // namespace

Result<std::string> write_avro(const AvroSchema& schema, const Value& value) {
  AvroWriter writer;
  if (auto written = writer.write(schema.root(), value, 1); !written) return pass(written);
  auto bytes = writer.take();
  if (auto fits = ValueBudget::check_bytes(bytes.size()); !fits) return pass(fits);
  return bytes;
}

}  // namespace xylem::network
