#include "cli/output.h"

#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <utility>

namespace xylem::cli {

bool write_out(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
}

bool flush_out() { return std::fflush(stdout) == 0; }

void complain(std::string_view text) {
  std::fprintf(stderr, "xylem: %.*s\n", static_cast<int>(text.size()), text.data());
}

ExitCode report(const Error& error) {
  auto text = error.what();
  if (!error.hint().empty()) text += " (" + error.hint() + ")";
  complain(text);
  return exit_code_of(error.code());
}

ExitCode finish_with(std::string_view text) {
  if (!write_out(text) || !flush_out()) return ExitCode::kFailed;
  return ExitCode::kOk;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

Table::Table(std::initializer_list<std::string_view> head) {
  rows_.emplace_back(head.begin(), head.end());
}

void Table::add(std::vector<std::string> row) {
  XYLEM_CHECK(row.size() == rows_.front().size());
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace xylem::cli
