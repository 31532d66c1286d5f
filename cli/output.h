// Standard output for results, standard error for everything else.
//
// Threads: the main one.
#pragma once

#include "cli/exit_code.h"
#include "common/error.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

// False: nobody reads any more (a closed pipe) or the disk behind it is full.
[[nodiscard]] bool write_out(std::string_view text);
[[nodiscard]] bool flush_out();

// One line on standard error: "xylem: ...".
void complain(std::string_view text);

// Tells what went wrong and what to do; the answer is what to end with.
ExitCode report(const Error& error);

// Writes the result of a command; a reader that left is no fault.
ExitCode finish_with(std::string_view text);

// With commas between them.
[[nodiscard]] std::string joined(const std::vector<std::string>& parts);

// Columns padded to their widest cell, two spaces between; the first row is the head.
class Table {
 public:
  Table(std::initializer_list<std::string_view> head);
  void add(std::vector<std::string> row);  // as many cells as the head has
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace xylem::cli
