#include "cli/format/input_format.h"

#include "cli/format/readers.h"

#include <utility>

namespace xylem::cli {

Result<InputFormat::Kind> input_kind_of(std::string_view name) {
  using Kind = InputFormat::Kind;
  if (name == "lines") return Kind::kLines;
  if (name == "ndjson") return Kind::kNdjson;
  if (name == "csv") return Kind::kCsv;
  if (name == "stanza") return Kind::kStanza;
  return fail(Errc::kInvalidRequest, "no input format \"" + std::string(name) + "\"",
              "lines, ndjson, csv or stanza");
}

Result<std::unique_ptr<InputFormat>> make_input_format(const InputFormat::Options& options) {
  using Kind = InputFormat::Kind;
  const auto wrong = [](std::string what) { return fail(Errc::kInvalidRequest, std::move(what)); };
  if (options.envelope && options.kind != Kind::kNdjson)
    return wrong("--envelope goes with --format ndjson");
  if (options.envelope && !options.key.empty())
    return wrong("--key and --envelope exclude each other: an envelope brings its key");
  if (options.kind == Kind::kLines && !options.key.empty())
    return wrong("lines have no fields: use --delimiter to split a line into key and value");
  const bool splits = options.kind == Kind::kLines || options.kind == Kind::kCsv;
  if (!splits && !options.delimiter.empty())
    return wrong("--delimiter goes with --format lines or csv");
  switch (options.kind) {
    case Kind::kLines:
      return make_line_reader(options.delimiter);
    case Kind::kNdjson:
      return options.envelope ? make_envelope_reader() : make_ndjson_reader(options.key);
    case Kind::kCsv: {
      const std::string delimiter = options.delimiter.empty() ? "," : options.delimiter;
      if (delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r")
        return wrong("--delimiter of csv is one character, and no quote or end of line");
      return make_csv_reader(options.key, delimiter.front());
    }
    case Kind::kStanza:
      return make_stanza_reader(options.key.empty() ? "Package" : options.key);
  }
  return wrong("no such input format");
}

}  // namespace xylem::cli
