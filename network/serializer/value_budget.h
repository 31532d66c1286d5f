// How much one value may hold still, while it is encoded or decoded.
#pragma once

#include "common/result.h"
#include "network/serializer/serializer.h"

#include <cstddef>
#include <string>

namespace xylem::network {

class ValueBudget {
 public:
  // One value more, `depth` values deep, the outermost at 1. kMessageTooLarge names the limit.
  Status take(std::size_t depth) {
    if (depth > kValueDepthMax)
      return fail(Errc::kMessageTooLarge,
                  "the value is nested deeper than " + std::to_string(kValueDepthMax));
    if (++count_ > kValueCountMax)
      return fail(Errc::kMessageTooLarge,
                  "more than " + std::to_string(kValueCountMax) + " values in one");
    return {};
  }

  // One item of a list that took no bytes: a count of them costs its sender nothing.
  Status take_empty() {
    if (++empty_ > kEmptyItemsMax)
      return fail(Errc::kMessageTooLarge, "more than " + std::to_string(kEmptyItemsMax) +
                                              " items without any bytes in one value");
    return {};
  }

  static Status check_bytes(std::size_t bytes) {
    if (bytes <= kValueBytesMax) return {};
    return fail(Errc::kMessageTooLarge, "a value of " + std::to_string(bytes) + " bytes; at most " +
                                            std::to_string(kValueBytesMax) + " are allowed");
  }

 private:
  std::size_t count_ = 0;
  std::size_t empty_ = 0;
};

}  // namespace xylem::network
