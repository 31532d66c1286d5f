// Where a node stands: region/area/site/..., for instance "eu/berlin/shop-7". Empty: not known.
//
// Limits: 256 characters, 16 segments of [a-zA-Z0-9._-].
#pragma once

#include "common/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::registry {

class Location {
 public:
  static constexpr std::size_t kLengthMax = 256;  // characters
  static constexpr std::size_t kDepthMax = 16;    // segments
  static constexpr std::size_t kSiteDepth = 3;    // segments that name a site

  Location() = default;

  // kInvalidRequest: an empty segment, a character outside the set, too long or too deep.
  static Result<Location> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  [[nodiscard]] std::size_t depth() const noexcept { return depth_; }

  // The first three segments, where nodes share a local network; "" for anything less deep.
  [[nodiscard]] std::string_view site() const noexcept;

  // This location and everything that contains it, the nearest first; the last is "".
  [[nodiscard]] std::vector<std::string_view> containing() const;

  auto operator<=>(const Location&) const = default;

 private:
  std::string text_;
  std::size_t depth_ = 0;
};

}  // namespace xylem::registry
