// Bytes as text: the UTF-8 check, base64 (RFC 4648, padded), JSON strings, and log values.
//
// For whoever shows records to people: text where the bytes are valid UTF-8, base64 where not.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace xylem {

// As RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// Of the character at the head of `text`, in bytes; 0 when there is no valid one.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

std::string base64_encode(Bytes bytes);

// kInvalidRequest: not what base64_encode() makes of any bytes.
Result<Buffer> base64_decode(std::string_view text);

// Appends `utf8` as a JSON string, quotes included; bytes that are not become U+FFFD each.
void append_json_string(std::string_view utf8, std::string& out);

// Appends foreign text for one line of a log, escaped as in a JSON string: C0, DEL and C1 controls
// become \u00xx, bytes that are not UTF-8 become U+FFFD each. `out` stays within `bytes_max`;
// false: the text was cut, at a character.
bool append_escaped(std::string_view text, std::size_t bytes_max, std::string& out);

// The same for a person to read: quotes stay as they are, and so does a backslash, but where it
// could be taken for the head of an escape.
bool append_readable(std::string_view text, std::size_t bytes_max, std::string& out);

}  // namespace xylem
