#include "network/serializer/serializer.h"
#include "network/serializer/value_budget.h"

namespace xylem::network {
namespace {

class BytesSerializer final : public Serializer {
 public:
  [[nodiscard]] Result<std::string> encode(const Value& value) const override {
    const auto* text = value.as<std::string>();
    const auto* buffer = value.as<Buffer>();
    if (text == nullptr && buffer == nullptr)
      return fail(Errc::kInvalidRequest, std::string(value.kind()) + " is neither bytes nor a text",
                  "encode it with another serializer");
    const auto bytes = text != nullptr ? bytes_of(*text) : Bytes(*buffer);
    if (auto fits = ValueBudget::check_bytes(bytes.size()); !fits) return pass(fits);
    return std::string(text_of(bytes));
  }

  [[nodiscard]] Result<Value> decode(Bytes bytes) const override {
    if (auto fits = ValueBudget::check_bytes(bytes.size()); !fits) return pass(fits);
    return Value(Buffer(bytes.begin(), bytes.end()));
  }
};

}  // namespace

std::unique_ptr<Serializer> make_bytes_serializer() { return std::make_unique<BytesSerializer>(); }

}  // namespace xylem::network
