// What the two codecs of the pipe share: verification, and ids to and from their wire form.
// Only for request_codec.cpp and answer_codec.cpp: it shows FlatBuffers.
#pragma once

#include "common/alignment.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "pipe/messages.h"

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <pipe_generated.h>
#include <string>
#include <string_view>
#include <type_traits>

namespace xylem::pipe::wire {

inline constexpr flatbuffers::uoffset_t kDepthMax = 16;
inline constexpr flatbuffers::uoffset_t kTablesMax = 10'000;

static_assert(static_cast<std::size_t>(State::MAX) + 1 == kFetchStates);
static_assert(static_cast<int>(State::NOT_HERE) == static_cast<int>(FetchState::kNotHere));

// A verified root, and the copy that keeps it when `bytes` were not aligned for it.
template <class Root>
struct Verified {
  Buffer aligned;
  const Root* root = nullptr;
};

// `bytes` is exactly one size-prefixed FlatBuffer. kInvalidRequest: it is not.
template <class Root>
Result<Verified<Root>> verify(Bytes bytes, const char* identifier) {
  Verified<Root> verified;
  if (!is_aligned_for<std::uint64_t>(bytes.data())) {
    verified.aligned.assign(bytes.begin(), bytes.end());
    bytes = verified.aligned;
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  if (bytes.size() < 2 * sizeof(flatbuffers::uoffset_t) ||
      bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return fail(Errc::kInvalidRequest, "pipe message is cut");
  }
  flatbuffers::Verifier verifier(data, bytes.size(), kDepthMax, kTablesMax);
  if (!verifier.VerifySizePrefixedBuffer<Root>(identifier))
    return fail(Errc::kInvalidRequest, "pipe message is not a valid FlatBuffer");
  verified.root = flatbuffers::GetSizePrefixedRoot<Root>(data);
  return verified;
}

// The verifier checks where a vector lies, not how its elements are aligned.
template <class Struct>
bool is_aligned(const flatbuffers::Vector<const Struct*>& structs) {
  return structs.size() == 0 || is_aligned_for<Struct>(structs.Data());
}

template <class Scalar>
  requires std::is_arithmetic_v<Scalar>
bool is_aligned(const flatbuffers::Vector<Scalar>& scalars) {
  return scalars.size() == 0 || is_aligned_for<Scalar>(scalars.Data());
}

inline Uuid to_wire(const xylem::Uuid& id) { return {id.high(), id.low()}; }

inline xylem::Uuid of_wire(const Uuid* id) {
  return id == nullptr ? xylem::Uuid() : xylem::Uuid::from_words(id->high(), id->low());
}

inline Log to_wire(const LogId& log) {
  return {to_wire(log.incarnation.topic), log.incarnation.generation, log.partition.value()};
}

// kInvalidRequest: the partition is negative.
inline Result<LogId> of_wire(const Log& log) {
  if (log.partition() < 0) return fail(Errc::kInvalidRequest, "negative partition");
  return LogId{{of_wire(&log.topic()), log.generation()}, PartitionId(log.partition())};
}

// An offset that must not be negative.
inline Result<Offset> offset_of(std::int64_t value, std::string_view name) {
  if (value < 0) return fail(Errc::kInvalidRequest, "negative " + std::string(name));
  return Offset(value);
}

inline std::string text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string() : text->str();
}

// The finished builder's bytes.
inline Buffer take(const flatbuffers::FlatBufferBuilder& builder) {
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

}  // namespace xylem::pipe::wire
