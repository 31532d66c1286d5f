#include "common/text_encoding.h"
#include "network/serializer/serializer.h"
#include "network/serializer/value_budget.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace xylem::network {
namespace {

using Json = nlohmann::json;

// Makes a Value of what the parser meets; false from any call ends the parse.
class ValueBuilder final : public nlohmann::json_sax<Json> {
 public:
  [[nodiscard]] Result<Value> take() {
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(root_);
  }

  bool null() override { return add({}) != nullptr; }

  bool boolean(bool flag) override { return add(flag) != nullptr; }

  bool number_integer(number_integer_t number) override { return add(number) != nullptr; }

  bool number_unsigned(number_unsigned_t number) override {
    if (!std::in_range<std::int64_t>(number)) return refuse_integer(std::to_string(number));
    return add(static_cast<std::int64_t>(number)) != nullptr;
  }

  // Whole numbers of more than 64 bits come here too.
  bool number_float(number_float_t number, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) return refuse_integer(text);
    return add(number) != nullptr;
  }

  bool string(string_t& text) override { return add(std::move(text)) != nullptr; }

  bool binary(binary_t& /*bytes*/) override { return false; }  // not in JSON

  bool start_object(std::size_t /*count*/) override { return open(Value::Map()); }

  bool start_array(std::size_t /*count*/) override { return open(Value::List()); }

  bool key(string_t& name) override {
    name_ = std::move(name);
    return true;
  }

  bool end_object() override { return close(); }

  bool end_array() override { return close(); }

  bool parse_error(std::size_t position,
                   const std::string& token,
                   const Json::exception& /*why*/) override {
    std::string shown;
    append_readable(token, kShownMax, shown);
    error_.emplace(Errc::kCorrupt,
                   "not JSON at byte " + std::to_string(position) + ", after \"" + shown + "\"");
    return false;
  }

 private:
  static constexpr std::size_t kShownMax = 40;  // bytes of what was met

  bool refuse_integer(const std::string& text) {
    error_.emplace(Errc::kCorrupt, "not JSON as it is taken here: the integer " +
                                       text.substr(0, kShownMax) + " has more than 64 bits");
    return false;
  }

  // Where it is now; nullptr: too much.
  Value* add(Value value) {
    if (auto taken = budget_.take(open_.size() + 1); !taken) {
      error_ = std::move(taken).error();
      return nullptr;
    }
    if (open_.empty()) return &(root_ = std::move(value));
    if (auto* list = open_.back()->as<Value::List>(); list != nullptr)
      return &list->emplace_back(std::move(value));
    auto& place = (*open_.back()->as<Value::Map>())[std::move(name_)];
    return &(place = std::move(value));
  }

  bool open(Value container) {
    auto* added = add(std::move(container));
    if (added != nullptr) open_.push_back(added);
    return added != nullptr;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  Value root_;
  std::vector<Value*> open_;  // only the last one grows, so the others stay where they are
  std::string name_;
  ValueBudget budget_;
  std::optional<Error> error_;
};

class JsonWriter {
 public:
  Status write(const Value& value, std::size_t depth) {
    if (auto taken = budget_.take(depth); !taken) return taken;
    return std::visit([this, depth](const auto& data) { return put(data, depth); }, value.data());
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  Status put(std::monostate /*null*/, std::size_t /*depth*/) {
    out_ += "null";
    return {};
  }

  Status put(bool flag, std::size_t /*depth*/) {
    out_ += flag ? "true" : "false";
    return {};
  }

  Status put(std::int64_t number, std::size_t /*depth*/) {
    out_ += std::to_string(number);
    return {};
  }

  Status put(double number, std::size_t /*depth*/) {
    if (!std::isfinite(number))
      return fail(Errc::kInvalidRequest, "JSON has no infinite numbers, and no NaN");
    std::array<char, kNumberMax> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    const std::string_view digits(text.data(), end);
    out_ += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) out_ += ".0";  // still a double
    return {};
  }

  Status put(const std::string& text, std::size_t /*depth*/) {
    if (!is_utf8(text))
      return fail(Errc::kInvalidRequest, "a text is not UTF-8", "bytes go as base64, as a text");
    append_json_string(text, out_);
    return ValueBudget::check_bytes(out_.size());
  }

  Status put(const Buffer& /*bytes*/, std::size_t /*depth*/) {
    return fail(Errc::kInvalidRequest, "bytes have no form in JSON", "give them as base64, a text");
  }

  Status put(const Value::List& items, std::size_t depth) {
    out_ += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += ',';
      if (auto written = write(items[i], depth + 1); !written)
        return pass(written, "item " + std::to_string(i));
    }
    out_ += ']';
    return {};
  }

  Status put(const Value::Map& fields, std::size_t depth) {
    out_ += '{';
    for (bool is_first = true; const auto& [name, value] : fields) {
      if (!std::exchange(is_first, false)) out_ += ',';
      if (auto written = put(name, depth); !written) return pass(written, "a name");
      out_ += ':';
      if (auto written = write(value, depth + 1); !written) return pass(written, name);
    }
    out_ += '}';
    return {};
  }

  static constexpr std::size_t kNumberMax = 32;  // characters of the shortest form of any double

  std::string out_;
  ValueBudget budget_;
};

class JsonSerializer final : public Serializer {
 public:
  [[nodiscard]] Result<std::string> encode(const Value& value) const override {
    JsonWriter writer;
    if (auto written = writer.write(value, 1); !written) return pass(written);
    auto text = writer.take();
    if (auto fits = ValueBudget::check_bytes(text.size()); !fits) return pass(fits);
    return text;
  }

  [[nodiscard]] Result<Value> decode(Bytes bytes) const override {
    if (auto fits = ValueBudget::check_bytes(bytes.size()); !fits) return pass(fits);
    ValueBuilder builder;
    const auto text = text_of(bytes);
    Json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
  }
};

}  // namespace

std::unique_ptr<Serializer> make_json_serializer() { return std::make_unique<JsonSerializer>(); }

}  // namespace xylem::network
