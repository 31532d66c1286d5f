// Reads files, or standard input, piece by piece without holding up a loop.
//
// "-" is standard input. A thread does the reading and waits for terminals and pipes; destruction
// ends a wait at once.
//
// Threads: the loop's; callbacks run on it, never inside the call. One read at a time.
// Errors: kNotFound, kIo, with the file's name.
#pragma once

#include "common/loop.h"
#include "common/result.h"
#include "common/worker.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::cli {

class InputFiles {
 public:
  static constexpr std::size_t kPieceBytes = 64ULL * 1024;

  struct Piece {
    std::string text;
    bool is_file_end = false;  // `text` is empty
    bool is_last = false;      // with is_file_end: no file follows
  };

  using Done = std::function<void(Result<Piece>)>;

  InputFiles(Loop& loop, std::vector<std::string> files);  // none: standard input
  ~InputFiles();
  InputFiles(const InputFiles&) = delete;
  InputFiles& operator=(const InputFiles&) = delete;

  void read(Done done);

  [[nodiscard]] const std::string& file() const;  // being read

 private:
  class Reader;

  Loop& loop_;
  std::vector<std::string> files_;
  std::size_t index_ = 0;
  std::shared_ptr<Reader> reader_;  // weakly held by answers on their way
  Worker worker_;
};

}  // namespace xylem::cli
