#include "common/error.h"

#include <array>
#include <system_error>
#include <utility>

namespace xylem {
namespace {

// Position = number - 1.
constexpr std::array<std::string_view, 23> kNames = {
    "INVALID_REQUEST",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "CORRUPT",
    "INTERNAL_IO_ERROR",
    "UNAVAILABLE",
    "TIMEOUT",
    "CANCELLED",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "OFFSET_OUT_OF_RANGE",
    "NOT_LEADER",
    "SCHEMA_VALIDATION_FAILED",
    "UNAUTHORIZED",
    "QUOTA_EXCEEDED",
    "STALE_EPOCH",
    "MESSAGE_TOO_LARGE",
    "DISK_FULL",
    "UNSUPPORTED_VERSION",
    "UNKNOWN_MEMBER",
    "STALE_GENERATION",
    "OUT_OF_ORDER_SEQUENCE",
    "NOT_ENOUGH_REPLICAS",
    "DUPLICATE_NODE",
};
static_assert(kNames.size() == static_cast<std::size_t>(Errc::kDuplicateNode));

}  // namespace

std::string_view to_string(Errc code) noexcept {
  return kNames.at(static_cast<std::size_t>(code) - 1);
}

std::optional<Errc> errc_of(std::uint16_t number) noexcept {
  if (number == 0 || number > kNames.size()) return std::nullopt;
  return static_cast<Errc>(number);
}

std::string system_text(int error_number) {
  return std::error_code(error_number, std::generic_category()).message();
}

Error::Error(Errc code, std::string what, std::string hint)
    : code_(code), what_(std::move(what)), hint_(std::move(hint)) {}

Error Error::within(std::string_view doing) && {
  what_.insert(0, std::string(doing) + ": ");
  return std::move(*this);
}

}  // namespace xylem
