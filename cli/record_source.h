// Where the records of `xylem produce` come from: files, or a generator.
//
// Threads: the loop's; callbacks run on it, never inside the call. One more() at a time.
#pragma once

#include "cli/format/input_format.h"
#include "cli/input_files.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::cli {

class RecordSource {
 public:
  struct Portion {
    std::string file;  // of all its records; empty: no file
    std::vector<InputRecord> records;
    bool is_last = false;
  };

  using Done = std::function<void(Result<Portion>)>;

  virtual ~RecordSource() = default;

  // An error is about the source itself, and final.
  virtual void more(Done done) = 0;
};

// kInvalidRequest: the format's options make no sense.
Result<std::unique_ptr<RecordSource>> make_file_source(Loop& loop,
                                                       std::vector<std::string> files,
                                                       const InputFormat::Options& format);

// {"sequence":n,"sent_ms":...} for ever, n from 0, under kGeneratedKeys keys in turn.
std::unique_ptr<RecordSource> make_generator(Loop& loop, const Clock& clock);

inline constexpr std::int64_t kGeneratedKeys = 100;

}  // namespace xylem::cli
