#include "common/text_escape.h"

#include "common/text_encoding.h"

namespace xylem {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned byte_at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
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
    const std::size_t size = utf8_length(text);
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
