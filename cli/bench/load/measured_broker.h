// A broker's process, started to be measured: with a directory of its own on a disk, gone with this
// object or with us.
#pragma once

#include "common/result.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>

namespace xylem::cli {

class MeasuredBroker {
 public:
  enum class Kind : std::uint8_t { kXylem, kNull, kNats };

  struct Options {
    Kind kind = Kind::kXylem;
    std::string programs;   // where they are; empty: beside this program
    std::string directory;  // where it makes its own
    bool syncs = false;     // of the null broker and of NATS; Xylem's topics say it themselves
  };

  // Blocks until it takes connections. kNotFound: no such program; kUnavailable: it ended.
  static Result<std::unique_ptr<MeasuredBroker>> start(const Options& options);

  ~MeasuredBroker();
  MeasuredBroker(const MeasuredBroker&) = delete;
  MeasuredBroker& operator=(const MeasuredBroker&) = delete;

  [[nodiscard]] network::Address address() const { return {.host = "127.0.0.1", .port = port_}; }

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  MeasuredBroker() = default;
  Status spawn(const Options& options);
  Status wait_until_it_serves();
  [[nodiscard]] std::string said() const;

  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace xylem::cli
