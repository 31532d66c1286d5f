#include "storage/partition_log.h"

#include <array>

namespace xylem::storage {
namespace {

constexpr std::array<std::string_view, 3> kFlushNames = {"always", "interval", "never"};
constexpr std::array<std::string_view, 2> kCleanupNames = {"delete", "compact"};

}  // namespace

Result<Flush> flush_of(std::string_view name) {
  for (std::size_t i = 0; i < kFlushNames.size(); ++i) {
    if (kFlushNames.at(i) == name) return static_cast<Flush>(i);
  }
  return fail(Errc::kInvalidRequest,
              "flush \"" + std::string(name) + "\" is none of always, interval, never");
}

std::string_view to_string(Flush flush) noexcept {
  return kFlushNames.at(static_cast<std::size_t>(flush));
}

Result<Cleanup> cleanup_of(std::string_view name) {
  for (std::size_t i = 0; i < kCleanupNames.size(); ++i) {
    if (kCleanupNames.at(i) == name) return static_cast<Cleanup>(i);
  }
  return fail(Errc::kInvalidRequest,
              "cleanup \"" + std::string(name) + "\" is neither delete nor compact");
}

std::string_view to_string(Cleanup cleanup) noexcept {
  return kCleanupNames.at(static_cast<std::size_t>(cleanup));
}

}  // namespace xylem::storage
