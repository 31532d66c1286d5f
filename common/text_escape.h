// Escaping of foreign text for logs: one line, valid UTF-8, no terminal control sequences.
//
// The escapes are JSON's (RFC 8259), so the same bytes serve text and JSON lines. C0, DEL and C1
// controls become \u00xx; bytes that are not UTF-8 become U+FFFD each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xylem {

// Appends to `out` as long as it stays within `bytes_max`; false: the text was cut, at a character.
bool append_escaped(std::string_view text, std::size_t bytes_max, std::string& out);

}  // namespace xylem
