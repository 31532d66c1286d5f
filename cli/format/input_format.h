// Text in, records out: what `xylem produce` reads.
//
//   lines   a line is a value; with a delimiter: key, delimiter, value
//   ndjson  a line is a JSON object and the value, byte for byte; the key is one of its fields
//   envelope  (ndjson) {"key", "value", "headers"}; a null value is a tombstone
//   csv     RFC 4180 with a head row; the value is a JSON object of strings, the key a column
//   stanza  paragraphs of a Debian control file, without the blank line between them; the key is
//           a field of it
//
// Text is fed in pieces of any size. A record that cannot be read is an Error in its place; what
// follows is read on.
// Limits: a record's text is at most kInputRecordBytesMax; a longer one is kMessageTooLarge and is
// skipped up to its end.
#pragma once

#include "common/batch/record.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

inline constexpr std::size_t kInputRecordBytesMax = 16ULL * 1024 * 1024;

struct InputRecord {
  std::int64_t line = 0;  // where it begins, from 1
  Result<Record> record;
};

class InputFormat {
 public:
  enum class Kind : std::uint8_t { kLines, kNdjson, kCsv, kStanza };

  struct Options {
    Kind kind = Kind::kLines;
    std::string key;        // a field's name; empty: no key (stanza: Package)
    std::string delimiter;  // lines: between key and value; csv: one character, "," when empty
    bool envelope = false;  // ndjson
  };

  virtual ~InputFormat() = default;

  virtual void feed(std::string_view text, std::vector<InputRecord>& out) = 0;
  virtual void finish(std::vector<InputRecord>& out) = 0;  // the end of the input
};

Result<InputFormat::Kind> input_kind_of(std::string_view name);  // lines|ndjson|csv|stanza

// kInvalidRequest: options that make no sense together.
Result<std::unique_ptr<InputFormat>> make_input_format(const InputFormat::Options& options);

}  // namespace xylem::cli
