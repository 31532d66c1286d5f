// One child process, in a session of its own, with its output in a file.
//
// It dies with us, even when we are killed: it is started through `xylem exec-child`, which asks
// the kernel for that (PR_SET_PDEATHSIG) before it becomes the program, under the same pid.
//
// Threads: the loop's. Destruction leaves a running process alone.
#pragma once

#include "common/loop.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::cli {

class ChildProcess {
 public:
  struct Options {
    std::string self;  // the path of `xylem`
    std::string program;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;  // all of it
    std::string log_file;                            // appended to
  };

  struct Exit {
    std::int64_t status = 0;
    int signal = 0;  // 0: it ended by itself
  };

  using Exited = std::function<void(const Exit&)>;

  // `exited` is called once, and may destroy the object. kIo: it could not be started.
  static Result<std::unique_ptr<ChildProcess>> start(Loop& loop,
                                                     const Options& options,
                                                     Exited exited);

  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] int pid() const;
  void kill(int signal);

 private:
  class Impl;
  explicit ChildProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

inline constexpr const char* kExecChild = "exec-child";

// `arguments`: the parent's pid, the program, its arguments. Returns only when that failed.
int exec_child(const std::vector<std::string>& arguments);

}  // namespace xylem::cli
