#include "network/serializer/value.h"

#include <array>

namespace xylem::network {

const Value* Value::find(std::string_view name) const {
  const auto* map = as<Map>();
  if (map == nullptr) return nullptr;
  const auto found = map->find(name);
  return found == map->end() ? nullptr : &found->second;
}

std::string_view Value::kind() const noexcept {
  static constexpr std::array<std::string_view, std::variant_size_v<Data>> kKinds = {
      "null",   "a boolean", "an integer", "a number with a fraction",
      "a text", "bytes",     "a list",     "a map"};
  return kKinds.at(data_.index());
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

}  // namespace xylem::network
