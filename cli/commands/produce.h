// `xylem produce TOPIC [FILE...]`: publishes what it reads, and says how it went.
//
// Reading stops while the producer's buffer is full. A malformed record is reported with its file
// and line, counted, and makes the command fail at its end; so does one that no broker took.
// The first Ctrl-C ends the reading and waits for what is on its way.
#pragma once

#include "cli/exit_code.h"
#include "cli/format/input_format.h"
#include "common/batch/compression.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct ProduceOptions {
  std::vector<network::Address> brokers;
  std::string topic;
  std::vector<std::string> files;  // none: standard input
  InputFormat::Options format;
  std::int8_t acks = -1;
  std::int64_t rate = 0;  // records per second; 0: as fast as it goes
  Compression compression = Compression::kNone;
  bool generate = false;               // instead of files
  std::int64_t count = 0;              // stop after so many; 0: all
  std::uint64_t timeout_ms = 120'000;  // for a record to be acknowledged
  bool json = false;
  std::optional<std::int64_t> due_at_ms;  // since 1970: when all of it is delivered
  std::int64_t delay_ms = 0;              // each record so long after it is sent
};

ExitCode run_produce(const ProduceOptions& options);

}  // namespace xylem::cli
