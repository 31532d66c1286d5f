#include "storage/log_paths.h"

#include <charconv>
#include <limits>

namespace xylem::storage {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kOffsetDigits = 20;

}  // namespace

std::string topic_directory(const LogName& name) {
  const auto& incarnation = name.id.incarnation;
  auto directory = name.topic + "-" + incarnation.topic.text();
  if (incarnation.generation != 0) directory += "." + std::to_string(incarnation.generation);
  return directory;
}

std::optional<std::int64_t> parse_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (digits.empty() || error != std::errc() || stop != digits.end() || value < 0)
    return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return value;
}

std::optional<TopicDirectory> parse_topic_directory(std::string_view name) {
  TopicDirectory found;
  const auto dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto id = name.substr(dash + 1);
  if (const auto dot = id.find('.'); dot != std::string_view::npos) {
    const auto generation = parse_number(id.substr(dot + 1));
    if (!generation || *generation == 0 || *generation > std::numeric_limits<std::uint32_t>::max())
      return std::nullopt;
    found.incarnation.generation = static_cast<std::uint32_t>(*generation);
    id = id.substr(0, dot);
  }
  const auto topic = TopicId::parse(id);
  if (id.size() != kIdDigits || !topic) return std::nullopt;
  found.topic = name.substr(0, dash);
  found.incarnation.topic = *topic;
  if (!check_topic_name(found.topic)) return std::nullopt;
  return found;
}

std::string segment_stem(Offset base) {
  const auto digits = std::to_string(base.value());
  return std::string(kOffsetDigits - digits.size(), '0') + digits;
}

std::optional<Offset> parse_segment_file(std::string_view name) {
  if (name.size() != kOffsetDigits + kLogSuffix.size() || !name.ends_with(kLogSuffix))
    return std::nullopt;
  std::int64_t base = 0;
  const auto* const end = name.begin() + kOffsetDigits;
  const auto [stop, error] = std::from_chars(name.begin(), end, base);
  if (error != std::errc() || stop != end || base < 0 || Offset(base) > kOffsetMax)
    return std::nullopt;
  return Offset(base);
}

}  // namespace xylem::storage
