// <dir>/console.sock: the console for other processes. One connection, one command.
//
//   -> a command and a line end
//   <- the exit code and a line end, the reply's text, the end
//
// Addressed through the directory's descriptor, so that the path may be longer than a socket's.
// Limits: a command of kCommandBytesMax, kConnectionsMax at once; what exceeds them is closed.
// Threads: the server the loop's; ask_console() blocks.
#pragma once

#include "cli/up/console.h"
#include "common/loop.h"
#include "common/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace xylem::cli {

class ConsoleSocket {
 public:
  static constexpr std::size_t kCommandBytesMax = 4'096;
  static constexpr std::size_t kConnectionsMax = 16;

  // A socket left over from before is replaced: the caller holds the directory's lock.
  static Result<std::unique_ptr<ConsoleSocket>> open(Loop& loop,
                                                     const std::string& dir,
                                                     Console& console);

  ~ConsoleSocket();
  ConsoleSocket(const ConsoleSocket&) = delete;
  ConsoleSocket& operator=(const ConsoleSocket&) = delete;

 private:
  class Impl;
  explicit ConsoleSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// kUnavailable: no `xylem up` runs on that directory.
Result<Console::Reply> ask_console(const std::string& dir, std::string_view command);

}  // namespace xylem::cli
