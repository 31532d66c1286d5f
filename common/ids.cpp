#include "common/ids.h"

#include "common/random.h"

#include <algorithm>
#include <charconv>

namespace xylem {
namespace {

constexpr std::size_t kDigits = 16;  // of one word

Status check_name(std::string_view kind, std::string_view name, std::size_t max) {
  const auto quoted = std::string(kind) + " \"" + std::string(name.substr(0, max)) + "\"";
  if (name.empty()) return fail(Errc::kInvalidRequest, std::string(kind) + " is empty");
  if (name.size() > max)
    return fail(Errc::kInvalidRequest, quoted + " is longer than " + std::to_string(max));
  if (name == "." || name == "..") return fail(Errc::kInvalidRequest, quoted + " is not a name");
  const bool good = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!good) return fail(Errc::kInvalidRequest, quoted + " may hold only a-z A-Z 0-9 . _ -");
  return {};
}

}  // namespace

Uuid Uuid::random(Random& random) { return from_words(random.next(), random.next()); }

Uuid Uuid::from_words(std::uint64_t high, std::uint64_t low) noexcept {
  Uuid id;
  id.words_ = {high, low};
  return id;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  Uuid id;
  if (text.size() != kDigits * id.words_.size())
    return fail(Errc::kInvalidRequest, "an id has 32 hexadecimal digits");
  for (std::size_t i = 0; i < id.words_.size(); ++i) {
    const auto digits = text.substr(i * kDigits, kDigits);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), id.words_[i], 16);
    if (error != std::errc() || end != digits.end())
      return fail(Errc::kInvalidRequest, "an id has 32 hexadecimal digits");
  }
  return id;
}

std::string Uuid::text() const {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const auto word : words_) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kHex[(word >> shift) & 0xfU];
  }
  return out;
}

Status check_node_id(std::string_view id) { return check_name("node id", id, kNodeIdMax); }

Status check_topic_name(std::string_view name) {
  return check_name("topic name", name, kTopicNameMax);
}

}  // namespace xylem
