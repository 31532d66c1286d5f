#include "cli/format/line_splitter.h"

#include "cli/format/input_format.h"

#include <utility>

namespace xylem::cli {

void LineSplitter::feed(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return append(text);
    const auto piece = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (rest_.empty() && !is_too_long_ && piece.size() <= kInputRecordBytesMax) {
      emit(piece, take);
      continue;
    }
    append(piece);
    emit(rest_, take);
  }
}

void LineSplitter::finish(const Take& take) {
  if (!rest_.empty() || is_too_long_) emit(rest_, take);
}

void LineSplitter::append(std::string_view piece) {
  is_too_long_ = is_too_long_ || rest_.size() + piece.size() > kInputRecordBytesMax;
  if (is_too_long_)
    rest_.clear();
  else
    rest_ += piece;
}

void LineSplitter::emit(std::string_view line, const Take& take) {
  const bool is_too_long = std::exchange(is_too_long_, false);
  take({.number = ++number_, .text = is_too_long ? "" : line, .is_too_long = is_too_long});
  rest_.clear();
}

}  // namespace xylem::cli
