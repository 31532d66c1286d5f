#include "registry/location.h"

namespace xylem::registry {
namespace {

bool is_segment_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Status check_segment(std::string_view segment) {
  if (segment.empty()) return fail(Errc::kInvalidRequest, "location has an empty segment");
  if (segment == "." || segment == "..")
    return fail(Errc::kInvalidRequest, "location has a segment of dots");
  for (const char c : segment)
    if (!is_segment_character(c))
      return fail(Errc::kInvalidRequest, "location has a character outside [a-zA-Z0-9._-/]");
  return {};
}

}  // namespace

Result<Location> Location::parse(std::string_view text) {
  Location location;
  if (text.empty()) return location;
  if (text.size() > kLengthMax)
    return fail(Errc::kInvalidRequest,
                "location is longer than " + std::to_string(kLengthMax) + " characters");
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    if (auto checked = check_segment(text.substr(begin, end - begin)); !checked)
      return pass(checked);
    if (++location.depth_ > kDepthMax)
      return fail(Errc::kInvalidRequest,
                  "location has more than " + std::to_string(kDepthMax) + " segments");
    begin = end + 1;
  }
  location.text_ = text;
  return location;
}

std::string_view Location::site() const noexcept {
  if (depth_ < kSiteDepth) return {};
  std::size_t end = 0;
  for (std::size_t segment = 0; segment < kSiteDepth; ++segment)
    end = std::min(text_.find('/', segment == 0 ? 0 : end + 1), text_.size());
  return std::string_view(text_).substr(0, end);
}

std::vector<std::string_view> Location::containing() const {
  std::vector<std::string_view> found;
  std::string_view rest = text_;
  while (!rest.empty()) {
    found.push_back(rest);
    const auto slash = rest.rfind('/');
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(0, slash);
  }
  found.emplace_back();
  return found;
}

}  // namespace xylem::registry
