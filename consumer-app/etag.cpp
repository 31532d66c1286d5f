#include "consumer-app/etag.h"

#include <algorithm>

namespace xylem::consumer_app {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view without_leading(std::string_view text, std::string_view what) {
  return text.substr(std::min(text.find_first_not_of(what), text.size()));
}

}  // namespace

std::string record_etag(const LogId& log, Offset offset) {
  return '"' + log.incarnation.topic.text() + '.' + std::to_string(log.incarnation.generation) +
         '.' + std::to_string(log.partition.value()) + '.' + std::to_string(offset.value()) + '"';
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  std::string_view left = without_leading(if_none_match, kBlanks);
  if (left.starts_with('*')) return without_leading(left.substr(1), kBlanks).empty();
  while (!left.empty()) {
    left = without_leading(left, " \t,");
    if (left.starts_with("W/")) left.remove_prefix(2);
    if (!left.starts_with('"')) return false;
    const auto end = left.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (left.substr(0, end + 1) == etag) return true;
    left.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace xylem::consumer_app
