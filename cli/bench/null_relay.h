// The null relay (bench/README.md), running: four hops, each a process of one thread.
//
// It keeps its files in a temporary directory of its own, and dies with this object or with us.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace xylem::cli {

class NullRelay {
 public:
  // Blocks until it serves. `program`: empty: xylem-null-relay beside this program.
  // `directory`: where it makes its own, on the disk to be compared with.
  static Result<std::unique_ptr<NullRelay>> start(std::string program,
                                                  const std::string& directory);

  ~NullRelay();
  NullRelay(const NullRelay&) = delete;
  NullRelay& operator=(const NullRelay&) = delete;

  [[nodiscard]] std::uint16_t produce_port() const { return produce_port_; }

  [[nodiscard]] std::uint16_t consume_port() const { return consume_port_; }

  [[nodiscard]] const std::vector<pid_t>& pids() const { return pids_; }

 private:
  NullRelay() = default;
  Status spawn(const std::string& program);
  Status read_ports();

  std::string directory_;
  pid_t pid_ = -1;
  int input_ = -1;   // its standard input: it ends when we close that
  int output_ = -1;  // its standard output
  std::uint16_t produce_port_ = 0;
  std::uint16_t consume_port_ = 0;
  std::vector<pid_t> pids_;  // of the hops
};

}  // namespace xylem::cli
