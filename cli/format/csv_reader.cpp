// Source: RFC 4180, with LF or CRLF ends, and any one-byte delimiter.
#include "cli/format/readers.h"
#include "common/text_encoding.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::cli {
namespace {

class CsvReader final : public InputFormat {
 public:
  CsvReader(std::string key, char delimiter) : key_(std::move(key)), delimiter_(delimiter) {}

  void feed(std::string_view text, std::vector<InputRecord>& out) override {
    for (const char letter : text) step(letter, out);
  }

  void finish(std::vector<InputRecord>& out) override {
    if (state_ == State::kQuoted) fault_ = "a quote that is never closed";
    if (state_ != State::kRowStart) end_row(out);
  }

 private:
  enum class State : std::uint8_t { kRowStart, kFieldStart, kPlain, kQuoted, kQuoteInQuoted };

  void step(char letter, std::vector<InputRecord>& out) {
    if (letter == '\n') ++line_;
    if (state_ == State::kQuoted) {
      if (letter == '"')
        state_ = State::kQuoteInQuoted;
      else
        keep(letter);
    } else if (letter == '\n') {
      if (state_ == State::kRowStart) return skip_blank();
      end_row(out);
    } else if (letter == delimiter_) {
      end_field();
    } else if (letter == '"') {
      on_quote();
    } else {
      if (state_ == State::kQuoteInQuoted && letter != '\r') fault_ = "text behind a closing quote";
      if (state_ == State::kRowStart || state_ == State::kFieldStart) state_ = State::kPlain;
      keep(letter);
    }
  }

  void on_quote() {
    if (state_ == State::kQuoteInQuoted) {
      keep('"');
      state_ = State::kQuoted;
    } else if (state_ == State::kPlain) {
      fault_ = "a quote inside a field that is not quoted";
    } else {
      state_ = State::kQuoted;
    }
  }

  void keep(char letter) {
    if (row_bytes_ < kInputRecordBytesMax) field_ += letter;
    ++row_bytes_;
  }

  void skip_blank() { row_line_ = line_; }

  void end_field() {
    fields_.push_back(std::exchange(field_, {}));
    state_ = State::kFieldStart;
  }

  void end_row(std::vector<InputRecord>& out) {
    if (field_.ends_with('\r') && state_ != State::kQuoted) field_.pop_back();
    end_field();
    const bool is_blank = fields_.size() == 1 && fields_.front().empty() && row_bytes_ <= 1;
    if (!is_blank) take_row(out);
    fields_.clear();
    fault_.clear();
    row_bytes_ = 0;
    row_line_ = line_;
    state_ = State::kRowStart;
  }

  void take_row(std::vector<InputRecord>& out) {
    if (names_.empty() && fault_.empty()) {
      names_ = std::exchange(fields_, {});
      if (!key_.empty() && std::ranges::find(names_, key_) == names_.end())
        head_fault_ = "the head row has no column \"" + key_ + "\"";
      return;
    }
    out.push_back({row_line_, to_record()});
  }

  Result<Record> to_record() {
    if (row_bytes_ > kInputRecordBytesMax) return too_long();
    if (!fault_.empty()) return fail(Errc::kInvalidRequest, fault_);
    if (!head_fault_.empty()) return fail(Errc::kInvalidRequest, head_fault_);
    if (fields_.size() != names_.size()) {
      return fail(Errc::kInvalidRequest, std::to_string(fields_.size()) + " fields instead of " +
                                             std::to_string(names_.size()));
    }
    Record record;
    std::string value = "{";
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (!is_utf8(names_[i]) || !is_utf8(fields_[i]))
        return fail(Errc::kInvalidRequest, "not UTF-8");
      if (i > 0) value += ',';
      append_json_string(names_[i], value);
      value += ':';
      append_json_string(fields_[i], value);
      if (!key_.empty() && names_[i] == key_) record.key = fields_[i];
    }
    record.value = value + "}";
    return record;
  }

  std::string key_;
  char delimiter_;
  State state_ = State::kRowStart;
  std::vector<std::string> names_;
  std::vector<std::string> fields_;
  std::string field_;
  std::string fault_;       // of this row
  std::string head_fault_;  // of every row
  std::size_t row_bytes_ = 0;
  std::int64_t line_ = 1;
  std::int64_t row_line_ = 1;
};

}  // namespace

std::unique_ptr<InputFormat> make_csv_reader(std::string key, char delimiter) {
  return std::make_unique<CsvReader>(std::move(key), delimiter);
}

}  // namespace xylem::cli
