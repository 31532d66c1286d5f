// Source: Debian Policy 5.1, "Syntax of control files".
#include "cli/format/readers.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

bool is_same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

class StanzaReader final : public InputFormat {
 public:
  explicit StanzaReader(std::string key) : key_(std::move(key)) {}

  void feed(std::string_view text, std::vector<InputRecord>& out) override {
    lines_.feed(text, [&](const InputLine& line) { take(line, out); });
  }

  void finish(std::vector<InputRecord>& out) override {
    lines_.finish([&](const InputLine& line) { take(line, out); });
    end(out);
  }

 private:
  void take(const InputLine& line, std::vector<InputRecord>& out) {
    if (!line.is_too_long && is_blank(line.text)) return end(out);
    if (first_line_ == 0)
      first_line_ = line.number;
    else
      stanza_ += '\n';
    is_too_long_ = is_too_long_ || line.is_too_long ||
                   stanza_.size() + line.text.size() > kInputRecordBytesMax;
    if (is_too_long_) {
      stanza_.clear();
      return;
    }
    stanza_ += line.text;
    look_for_key(line.text);
  }

  void look_for_key(std::string_view line) {
    const auto colon = line.find(':');
    if (found_ || colon == std::string_view::npos || !is_same_name(line.substr(0, colon), key_))
      return;
    line.remove_prefix(colon + 1);
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return;
    const auto last = line.find_last_not_of(" \t\r");
    found_ = line.substr(first, last - first + 1);
  }

  void end(std::vector<InputRecord>& out) {
    if (first_line_ == 0) return;
    out.push_back({first_line_, to_record()});
    first_line_ = 0;
    is_too_long_ = false;
    stanza_.clear();
    found_.reset();
  }

  Result<Record> to_record() {
    if (is_too_long_) return too_long();
    if (!found_) return fail(Errc::kInvalidRequest, "a stanza without the field \"" + key_ + "\"");
    return Record{.key = std::move(found_), .value = std::move(stanza_)};
  }

  std::string key_;
  LineSplitter lines_;
  std::string stanza_;
  std::optional<std::string> found_;
  std::int64_t first_line_ = 0;  // 0: between stanzas
  bool is_too_long_ = false;
};

}  // namespace

std::unique_ptr<InputFormat> make_stanza_reader(std::string key) {
  return std::make_unique<StanzaReader>(std::move(key));
}

}  // namespace xylem::cli
