// Strong types for ids and numbers that could be swapped by mistake.
//
// Every `Offset` anywhere is next-to-read (a cursor, an end, a high watermark) or the offset of one
// record; never "last read".
#pragma once

#include "common/result.h"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace xylem {

class Random;

template <class Tag, class Number>
class Strong {
 public:
  constexpr Strong() = default;

  constexpr explicit Strong(Number value) : value_(value) {}

  [[nodiscard]] constexpr Number value() const noexcept { return value_; }

  constexpr auto operator<=>(const Strong&) const = default;

  // Distances are plain numbers.
  constexpr Strong operator+(Number distance) const { return Strong(value_ + distance); }

  constexpr Number operator-(Strong other) const { return value_ - other.value_; }

 private:
  Number value_{};
};

using Offset = Strong<struct OffsetTag, std::int64_t>;
using Epoch = Strong<struct EpochTag, std::int32_t>;  // -1: none yet
using PartitionId = Strong<struct PartitionTag, std::int32_t>;

inline constexpr Epoch kNoEpoch{-1};

// 128 random bits; written as 32 lower-case hexadecimal digits.
class Uuid {
 public:
  constexpr Uuid() = default;  // nil

  static Uuid random(Random& random);

  // kInvalidRequest: not 32 hexadecimal digits.
  static Result<Uuid> parse(std::string_view text);
  static Uuid from_words(std::uint64_t high, std::uint64_t low) noexcept;

  [[nodiscard]] std::string text() const;

  [[nodiscard]] std::uint64_t high() const noexcept { return words_[0]; }

  [[nodiscard]] std::uint64_t low() const noexcept { return words_[1]; }

  [[nodiscard]] bool is_nil() const noexcept { return words_[0] == 0 && words_[1] == 0; }

  auto operator<=>(const Uuid&) const = default;

 private:
  std::array<std::uint64_t, 2> words_{};
};

using TopicId = Uuid;
using ClusterId = Uuid;
using NodeId = std::string;  // [a-z0-9._-], 1..kNodeIdMax characters; see check_node_id

inline constexpr std::size_t kNodeIdMax = 128;     // characters
inline constexpr std::size_t kTopicNameMax = 200;  // characters; leaves room in a file name

// [a-zA-Z0-9._-], 1..max, not "." or ".."; kInvalidRequest names what is wrong.
Status check_node_id(std::string_view id);
Status check_topic_name(std::string_view name);

// The identity of one topic's history. A cursor is never carried to another one.
struct Incarnation {
  TopicId topic;
  std::uint32_t generation = 0;
  auto operator<=>(const Incarnation&) const = default;
};

// One log of one history.
struct LogId {
  Incarnation incarnation;
  PartitionId partition;
  auto operator<=>(const LogId&) const = default;
};

}  // namespace xylem

template <class Tag, class Number>
struct std::hash<xylem::Strong<Tag, Number>> {
  std::size_t operator()(xylem::Strong<Tag, Number> id) const noexcept {
    return std::hash<Number>()(id.value());
  }
};

template <>
struct std::hash<xylem::Uuid> {
  std::size_t operator()(const xylem::Uuid& id) const noexcept { return id.high() ^ id.low(); }
};

template <>
struct std::hash<xylem::LogId> {
  std::size_t operator()(const xylem::LogId& id) const noexcept {
    return std::hash<xylem::Uuid>()(id.incarnation.topic) * 31 +
           static_cast<std::size_t>(id.partition.value()) + id.incarnation.generation;
  }
};
