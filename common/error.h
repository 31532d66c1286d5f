// What can go wrong at run time, as a value.
//
// One closed set for the whole system: the number and the wire name of a code are the same inside a
// process, in an ERROR frame, in an HTTP problem document and in the CLI. Callers branch on
// `code()`; people read `what()`. Add a code only when some caller must act differently on it;
// never renumber one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xylem {

enum class Errc : std::uint16_t {  // NOLINT(performance-enum-size): two bytes on the wire
  kInvalidRequest = 1,             // the request itself is wrong; retrying cannot help
  kNotFound = 2,
  kAlreadyExists = 3,
  kCorrupt = 4,      // stored or received bytes fail a check
  kIo = 5,           // the operating system said no
  kUnavailable = 6,  // not now (disconnected, starting, overloaded); retry later
  kTimeout = 7,
  kCancelled = 8,  // the owner closed while the request was in flight
  kUnknownTopicOrPartition = 9,
  kOffsetOutOfRange = 10,
  kNotLeader = 11,  // the hint names who is
  kSchemaValidationFailed = 12,
  kUnauthorized = 13,
  kQuotaExceeded = 14,
  kStaleEpoch = 15,
  kMessageTooLarge = 16,
  kDiskFull = 17,
  kUnsupportedVersion = 18,
  kUnknownMember = 19,
  kStaleGeneration = 20,  // of a group, or of a topic's incarnation
  kOutOfOrderSequence = 21,
  kNotEnoughReplicas = 22,
  kDuplicateNode = 23,  // a second node with an id that is in use
};

// The wire name, e.g. "OFFSET_OUT_OF_RANGE".
[[nodiscard]] std::string_view to_string(Errc code) noexcept;

// nullopt: no such code (a newer peer; treat as kIo and show the number).
[[nodiscard]] std::optional<Errc> errc_of(std::uint16_t number) noexcept;

// The system's text for an errno, on any thread.
[[nodiscard]] std::string system_text(int error_number);

class [[nodiscard]] Error {
 public:
  // `hint` says what to do or whom to ask: with kNotLeader, the leader's "host:port".
  Error(Errc code, std::string what, std::string hint = {});

  [[nodiscard]] Errc code() const noexcept { return code_; }

  [[nodiscard]] const std::string& what() const noexcept { return what_; }

  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

  // Prefixes what the caller was doing: `return std::move(err).within("open segment 17")`.
  Error within(std::string_view doing) &&;

 private:
  Errc code_;
  std::string what_;
  std::string hint_;
};

}  // namespace xylem
