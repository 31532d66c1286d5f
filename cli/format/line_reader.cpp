#include "cli/format/readers.h"

#include <utility>

namespace xylem::cli {

LineByLine::LineByLine(Parse parse, Blank blank) : parse_(std::move(parse)), blank_(blank) {}

void LineByLine::feed(std::string_view text, std::vector<InputRecord>& out) {
  lines_.feed(text, [&](const InputLine& line) { take(line, out); });
}

void LineByLine::finish(std::vector<InputRecord>& out) {
  lines_.finish([&](const InputLine& line) { take(line, out); });
}

void LineByLine::take(const InputLine& line, std::vector<InputRecord>& out) const {
  if (line.is_too_long) {
    out.push_back({line.number, too_long()});
  } else if (!line.text.empty() || blank_ == Blank::kTaken) {
    out.push_back({line.number, parse_(line.text)});
  }
}

std::unique_ptr<InputFormat> make_line_reader(std::string delimiter) {
  const auto parse = [delimiter = std::move(delimiter)](std::string_view line) -> Result<Record> {
    Record record;
    if (!delimiter.empty()) {
      const auto at = line.find(delimiter);
      if (at == std::string_view::npos)
        return fail(Errc::kInvalidRequest, "no delimiter \"" + delimiter + "\"");
      record.key = line.substr(0, at);
      line.remove_prefix(at + delimiter.size());
    }
    record.value = line;
    return record;
  };
  return std::make_unique<LineByLine>(parse, LineByLine::Blank::kTaken);
}

}  // namespace xylem::cli
