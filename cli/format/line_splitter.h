// Cuts a stream of text into lines, counting them.
//
// Limits: of a line longer than kInputRecordBytesMax only `is_too_long` is left.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace xylem::cli {

struct InputLine {
  std::int64_t number = 0;  // from 1
  std::string_view text;    // without its end; holds during the call
  bool is_too_long = false;
};

class LineSplitter {
 public:
  using Take = std::function<void(const InputLine&)>;

  void feed(std::string_view text, const Take& take);
  void finish(const Take& take);  // a last line without an end

 private:
  void append(std::string_view piece);
  void emit(std::string_view line, const Take& take);

  std::string rest_;  // of a line whose end was not seen yet
  std::int64_t number_ = 0;
  bool is_too_long_ = false;
};

}  // namespace xylem::cli
