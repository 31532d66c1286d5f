#include "common/text_encoding.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace xylem {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits.at(static_cast<unsigned char>(kAlphabet[i])) = static_cast<std::uint8_t>(i);
  return digits;
}

constexpr auto kDigits = make_digits();

unsigned char at(std::string_view text, std::size_t index) {
  return static_cast<unsigned char>(text[index]);
}

bool is_continuation(std::string_view text, std::size_t index) {
  return index < text.size() && (at(text, index) & 0xC0U) == 0x80U;
}

// The length of the UTF-8 sequence at `index`, 0 when there is no valid one.
std::size_t sequence_length(std::string_view text, std::size_t index) {
  const unsigned char lead = at(text, index);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || !is_continuation(text, index + 1)) return 0;
  if (lead < 0xE0) return 2;
  const unsigned char second = at(text, index + 1);
  if (!is_continuation(text, index + 2)) return 0;
  if (lead < 0xF0) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (!is_continuation(text, index + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool beyond = lead == 0xF4 && second > 0x8F;
  return overlong || beyond ? 0 : 4;
}

// A code below U+0100 as JSON escapes it (RFC 8259, section 7).
std::string escape_of(unsigned code) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (code) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return {'\\', 'u', '0', '0', kHex[code >> 4U], kHex[code & 0xFU]};
  }
}

bool is_control(std::string_view text) {
  const unsigned lead = at(text, 0);
  return lead < 0x20 || lead == 0x7F || (lead == 0xC2 && text.size() > 1 && at(text, 1) < 0xA0);
}

// Whether a backslash before this could be taken for one of escape_of().
bool is_ambiguous(std::string_view after_backslash) {
  constexpr std::string_view kHeads = "\\nrtu";
  return !after_backslash.empty() &&
         (kHeads.contains(after_backslash.front()) || is_control(after_backslash));
}

enum class Escape : std::uint8_t { kAsJson, kAmbiguous };

bool append_printable(std::string_view text,
                      Escape escaping,
                      std::size_t bytes_max,
                      std::string& out) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const unsigned lead = at(text, 0);
    const bool is_escaped = escaping == Escape::kAsJson
                                ? lead == '"' || lead == '\\'
                                : lead == '\\' && is_ambiguous(text.substr(1));
    std::string escape;
    std::string_view piece = text.substr(0, length);
    if (length == 0) {
      piece = kReplacement;
    } else if (is_escaped || is_control(text)) {
      piece = escape = escape_of(at(text, length - 1));
    }
    if (out.size() + piece.size() > bytes_max) return false;
    out += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return true;
}

}  // namespace

std::size_t utf8_length(std::string_view text) noexcept {
  return text.empty() ? 0 : sequence_length(text, 0);
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string base64_encode(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = group << 8U | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= count ? kAlphabet[group >> (18U - 6U * j) & 0x3FU] : '=';
  }
  return out;
}

Result<Buffer> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0)
    return fail(Errc::kInvalidRequest, "base64: length is no multiple of 4");
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  Buffer out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const std::uint8_t digit = pad ? std::uint8_t{0} : kDigits.at(at(text, i));
    if (digit == kNoDigit) return fail(Errc::kInvalidRequest, "base64: a character is not of it");
    group = group << 6U | digit;
    if (i % 4 != 3) continue;
    for (const unsigned shift : {16U, 8U, 0U})
      out.push_back(static_cast<std::byte>(group >> shift));
    group = 0;
  }
  for (; padding > 0; --padding) {
    // Two texts must not stand for the same bytes.
    if (out.back() != std::byte{0})
      return fail(Errc::kInvalidRequest, "base64: bits are set behind the end");
    out.pop_back();
  }
  return out;
}

void append_json_string(std::string_view utf8, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < utf8.size();) {
    const auto length = sequence_length(utf8, i);
    const auto lead = at(utf8, i);
    if (length == 0)
      out += kReplacement;
    else if (lead < 0x20 || lead == '"' || lead == '\\')
      out += escape_of(lead);
    else
      out += utf8.substr(i, length);
    i += std::max<std::size_t>(length, 1);
  }
  out += '"';
}

bool append_escaped(std::string_view text, std::size_t bytes_max, std::string& out) {
  return append_printable(text, Escape::kAsJson, bytes_max, out);
}

bool append_readable(std::string_view text, std::size_t bytes_max, std::string& out) {
  return append_printable(text, Escape::kAmbiguous, bytes_max, out);
}

}  // namespace xylem
