// A typed value: what JSON and Avro have in common, without the types of either's library.
//
//   const Value price(Value::Map{{"sku", "4711"}, {"price", 1.99}});
//   const auto* sku = price.get<std::string>("sku");  // nullptr: not there, or something else
//
// An Avro record and a JSON object are maps, in the order of their names. A text is UTF-8; what is
// not is a Buffer.
#pragma once

#include "common/bytes.h"

#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace xylem::network {

class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;
  using Data =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, Buffer, List, Map>;

  Value() = default;  // null

  // NOLINTBEGIN(google-explicit-constructor): a literal is written as what it is
  template <std::same_as<bool> T>
  Value(T flag) : data_(flag) {}

  template <std::integral T>
    requires(!std::same_as<T, bool> &&
             (sizeof(T) < sizeof(std::int64_t) || std::signed_integral<T>))
  Value(T number) : data_(static_cast<std::int64_t>(number)) {}

  Value(double number) : data_(number) {}

  Value(const char* text) : data_(std::string(text)) {}

  Value(std::string_view text) : data_(std::string(text)) {}

  Value(std::string text) : data_(std::move(text)) {}

  Value(Buffer bytes) : data_(std::move(bytes)) {}

  Value(List items) : data_(std::move(items)) {}

  Value(Map fields) : data_(std::move(fields)) {}

  // NOLINTEND(google-explicit-constructor)

  [[nodiscard]] const Data& data() const noexcept { return data_; }

  [[nodiscard]] bool is_null() const noexcept { return as<std::monostate>() != nullptr; }

  // nullptr: it is something else.
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&data_);
  }

  template <class T>
  [[nodiscard]] T* as() noexcept {
    return std::get_if<T>(&data_);
  }

  // nullptr: it is no map, or has no such name.
  [[nodiscard]] const Value* find(std::string_view name) const;

  // find() and as() in one.
  template <class T>
  [[nodiscard]] const T* get(std::string_view name) const {
    const auto* found = find(name);
    return found == nullptr ? nullptr : found->as<T>();
  }

  [[nodiscard]] std::string_view kind() const noexcept;  // "a text", for messages

  friend bool operator==(const Value& a, const Value& b);

 private:
  Data data_;
};

}  // namespace xylem::network
