#include "common/text_escape.h"

namespace xylem {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

// The size of the UTF-8 character at the head of `text`; 0 when there is none (overlong forms,
// surrogates and values over U+10FFFF are none: Unicode 15, table 3-7).
std::size_t character_bytes(std::string_view text) {
  const unsigned lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  std::size_t size = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) size = 2;
  if (lead >= 0xe0 && lead <= 0xef) size = 3;
  if (lead >= 0xf0 && lead <= 0xf4) size = 4;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  if (size == 0 || byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte_at(text, i) & 0xc0U) != 0x80) return 0;
  }
  return size;
}

std::string control(unsigned code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return {'\\', 'u', '0', '0', kHex[code >> 4U], kHex[code & 0xfU]};
  }
}

}  // namespace

bool append_escaped(std::string_view text, std::size_t bytes_max, std::string& out) {
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    const unsigned lead = byte_at(text, 0);
    std::string escaped;
    std::string_view piece = text.substr(0, size);
    if (size == 0) {
      piece = kReplacement;
    } else if (lead < 0x20 || lead == 0x7f) {
      piece = escaped = control(lead);
    } else if (lead == 0xc2 && byte_at(text, 1) < 0xa0) {
      piece = escaped = control(byte_at(text, 1));
    } else if (lead == '"' || lead == '\\') {
      piece = escaped = {'\\', static_cast<char>(lead)};
    }
    if (out.size() + piece.size() > bytes_max) return false;
    out += piece;
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return true;
}

}  // namespace xylem
