// Input of every format, in two pieces cut anywhere: the same records as in one piece.
// The first byte names the format, the second where the cut is.
#include "cli/format/input_format.h"
#include "common/bytes.h"
#include "common/check.h"

#include <array>
#include <cstdint>
#include <vector>

namespace {

using xylem::cli::InputFormat;
using xylem::cli::InputRecord;

std::vector<InputRecord> read(const InputFormat::Options& options,
                              std::string_view head,
                              std::string_view tail) {
  const auto format = xylem::cli::make_input_format(options);
  XYLEM_CHECK(format);
  std::vector<InputRecord> records;
  (*format)->feed(head, records);
  (*format)->feed(tail, records);
  (*format)->finish(records);
  return records;
}

bool equal(const InputRecord& a, const InputRecord& b) {
  if (a.line != b.line || a.record.has_value() != b.record.has_value()) return false;
  if (!a.record) return a.record.error().what() == b.record.error().what();
  return a.record->key == b.record->key && a.record->value == b.record->value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Kind = InputFormat::Kind;
  static const std::array<InputFormat::Options, 5> kFormats = {{
      {.kind = Kind::kLines, .key = {}, .delimiter = "=", .envelope = false},
      {.kind = Kind::kNdjson, .key = "k", .delimiter = {}, .envelope = false},
      {.kind = Kind::kNdjson, .key = {}, .delimiter = {}, .envelope = true},
      {.kind = Kind::kCsv, .key = "k", .delimiter = {}, .envelope = false},
      {.kind = Kind::kStanza, .key = "Package", .delimiter = {}, .envelope = false},
  }};
  if (size < 2) return 0;
  const auto& options = kFormats.at(data[0] % kFormats.size());
  const auto text = xylem::text_of({reinterpret_cast<const std::byte*>(data + 2), size - 2});
  const auto cut = text.empty() ? 0 : data[1] % (text.size() + 1);
  const auto whole = read(options, text, {});
  const auto pieces = read(options, text.substr(0, cut), text.substr(cut));
  XYLEM_CHECK(whole.size() == pieces.size());
  for (std::size_t i = 0; i < whole.size(); ++i) XYLEM_CHECK(equal(whole[i], pieces[i]));
  return 0;
}
