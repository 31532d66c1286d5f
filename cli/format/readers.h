// The readers behind make_input_format, each in its own file, and what the line-wise ones share.
#pragma once

#include "cli/format/input_format.h"
#include "cli/format/line_splitter.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

std::unique_ptr<InputFormat> make_line_reader(std::string delimiter);
std::unique_ptr<InputFormat> make_ndjson_reader(std::string key);
std::unique_ptr<InputFormat> make_envelope_reader();
std::unique_ptr<InputFormat> make_csv_reader(std::string key, char delimiter);
std::unique_ptr<InputFormat> make_stanza_reader(std::string key);

// Every line is a record of its own.
class LineByLine final : public InputFormat {
 public:
  using Parse = std::function<Result<Record>(std::string_view line)>;

  enum class Blank : bool { kSkipped, kTaken };

  LineByLine(Parse parse, Blank blank);

  void feed(std::string_view text, std::vector<InputRecord>& out) override;
  void finish(std::vector<InputRecord>& out) override;

 private:
  void take(const InputLine& line, std::vector<InputRecord>& out) const;

  Parse parse_;
  Blank blank_;
  LineSplitter lines_;
};

[[nodiscard]] inline std::unexpected<Error> too_long() {
  return fail(Errc::kMessageTooLarge, "longer than 16 MiB");
}

}  // namespace xylem::cli
