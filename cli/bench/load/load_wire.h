// How a load travels: the native protocol, or another broker's.
//
// A unit is what is sent and acknowledged as one: a batch, or a record. Its bytes are ready before
// anything is timed.
#pragma once

#include "cli/bench/load/load_batches.h"
#include "cli/bench/load/load_socket.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace xylem::cli {

struct LoadTally {
  std::int64_t records = 0;
  std::int64_t misplaced = 0;  // lost, doubled, changed, or out of order
};

class LoadWire {
 public:
  enum class From : std::uint8_t { kNowhere, kBeginning, kEnd };

  virtual ~LoadWire() = default;

  // Connects a producer, and a consumer that receives from there.
  virtual Status open(From from) = 0;

  [[nodiscard]] virtual LoadSocket& producer() = 0;
  [[nodiscard]] virtual LoadSocket& consumer() = 0;  // not with kNowhere

  // The unit with that number; the bytes stay.
  [[nodiscard]] virtual Bytes unit(std::int64_t number) const = 0;
  [[nodiscard]] virtual std::int64_t unit_records() const = 0;

  // How many units the producer's input acknowledges, in order; takes that input.
  virtual Result<std::int64_t> take_acks() = 0;

  // Says on a connection that we are there; due every kBeatUs, between two units.
  static constexpr std::int64_t kBeatUs = 2'000'000;
  virtual Status beat(LoadSocket& socket) = 0;

  // From where the consumer began to the log's end at that time.
  [[nodiscard]] virtual std::int64_t records_there() const = 0;

  // Checks, counts and takes the records in the consumer's input; answers them where that is due.
  virtual Status take_records(LoadTally& tally) = 0;
};

struct LoadTopic {
  std::string name;
  std::string flush = "never";
  bool is_strange = false;  // its records may be another program's: only their order is checked
};

// Makes the topic if it is not there; `batches` outlives it.
std::unique_ptr<LoadWire> make_native_wire(const network::Address& broker,
                                           const LoadTopic& topic,
                                           const LoadBatches& batches);

// A unit is a record.
std::unique_ptr<LoadWire> make_nats_wire(const network::Address& broker,
                                         std::size_t record_bytes,
                                         Random& random);

}  // namespace xylem::cli
