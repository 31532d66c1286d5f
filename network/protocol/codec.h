// What the message codecs share: builder in, verified tables out. Only for the .cpp files of
// protocol/ that define a Codec: it shows FlatBuffers.
//
// Limits: strings and lists of numbers are copied only as far as the payload could hold them
// unshared, so a payload of many references to one long string costs no more than its own size.
#pragma once

#include "common/alignment.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/messages.h"

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <xylem_generated.h>

namespace xylem::network {

using Builder = flatbuffers::FlatBufferBuilder;

inline constexpr flatbuffers::uoffset_t kDepthMax = 16;
inline constexpr flatbuffers::uoffset_t kTablesMax = 10'000;

// Reads the fields of a verified table.
class Unpacker {
 public:
  explicit Unpacker(std::size_t payload_bytes) : text_bytes_left_(payload_bytes) {}

  std::string text(const flatbuffers::String* field) {
    if (field == nullptr || !take(field->size())) return {};
    return field->str();
  }

  std::vector<std::string> texts(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* field) {
    std::vector<std::string> all;
    if (field == nullptr) return all;
    all.reserve(field->size());
    for (const auto* one : *field) all.push_back(text(one));
    return all;
  }

  // Vectors of numbers can be shared as well.
  bool take_numbers(std::size_t count) { return take(count * sizeof(std::int32_t)); }

  static Uuid uuid(const fbs::Uuid* field) {
    return field == nullptr ? Uuid() : Uuid::from_words(field->high(), field->low());
  }

  static Incarnation incarnation(const fbs::Incarnation* field) {
    if (field == nullptr) return {};
    return {uuid(&field->topic()), field->generation()};
  }

  PartitionId partition(std::int32_t field) {
    if (field < 0) refuse("negative partition");
    return PartitionId(field);
  }

  void refuse(std::string_view why) { why_ = why; }

  [[nodiscard]] Status status() const {
    if (!why_.empty()) return fail(Errc::kInvalidRequest, std::string(why_));
    return {};
  }

 private:
  bool take(std::size_t bytes) {
    if (bytes > text_bytes_left_) {
      refuse("parts shared too often");
      return false;
    }
    text_bytes_left_ -= bytes;
    return true;
  }

  std::size_t text_bytes_left_;
  std::string_view why_;
};

[[nodiscard]] inline fbs::Uuid packed(const Uuid& uuid) { return {uuid.high(), uuid.low()}; }

[[nodiscard]] inline fbs::Incarnation packed(const Incarnation& incarnation) {
  return {packed(incarnation.topic), incarnation.generation};
}

// Specialised per message:
//   using Table = ...;
//   static flatbuffers::Offset<Table> pack(Builder&, const Message&);
//   static Message unpack(Unpacker&, const Table&);
template <class Message>
struct Codec;

[[nodiscard]] inline Buffer finished(const Builder& builder) {
  const auto* first = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {first, first + builder.GetSize()};
}

// FlatBuffers reads in place and wants alignment: a payload of its own has it, a part of one may
// not.
[[nodiscard]] inline bool is_aligned(Bytes bytes) {
  return is_aligned_for<std::uint64_t>(bytes.data());
}

[[nodiscard]] inline flatbuffers::Verifier verifier_of(Bytes bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), kDepthMax, kTablesMax};
}

template <class Message>
Buffer encode(const Message& message) {
  Builder builder;
  builder.Finish(Codec<Message>::pack(builder, message));
  return finished(builder);
}

template <class Message>
Result<Message> decode(Bytes payload) {
  using Table = typename Codec<Message>::Table;
  if (!is_aligned(payload)) return decode<Message>(Buffer(payload.begin(), payload.end()));
  auto verifier = verifier_of(payload);
  if (!verifier.VerifyBuffer<Table>(nullptr))
    return fail(Errc::kInvalidRequest, "payload does not verify");
  Unpacker unpacker(payload.size());
  Message message = Codec<Message>::unpack(unpacker, *flatbuffers::GetRoot<Table>(payload.data()));
  if (auto status = unpacker.status(); !status) return pass(status);
  return message;
}

}  // namespace xylem::network
