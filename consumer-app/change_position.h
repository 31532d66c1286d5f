// Where a reader of changes stands: what an event's `id` says, and Last-Event-ID brings back.
//
//   position = topic *( ";" topic )
//   topic    = name "~" tag "~" [ partition "." next *( "," partition "." next ) ]
//            | name "~-"      nothing whole is held: a reset has begun and was not finished
//
// `tag` is the copy's (view_store.h), 8 hexadecimal digits; `next` is the next offset to be read. A
// topic that is not there is read from its start.
//
// Errors: kInvalidRequest.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "consumer-app/view_store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::consumer_app {

// A stream whose position would begin longer is refused; numbers may grow after that.
inline constexpr std::size_t kPositionBytesMax = 8ULL * 1024;
inline constexpr std::size_t kPositionBytesParsed = 16ULL * 1024;

struct TopicPosition {
  std::optional<std::uint32_t> tag;  // nullopt: nothing whole is held
  Cursors next;

  bool operator==(const TopicPosition&) const = default;
};

using Position = std::map<std::string, TopicPosition, std::less<>>;

std::string position_text(const Position& position);
Result<Position> parse_position(std::string_view text);

// position_text() around the one number that each event of a partition changes; or one that no
// event changes.
struct PositionFrame {
  std::string before;
  std::string after;
  bool is_fixed = false;

  [[nodiscard]] std::string at(Offset next) const {
    return is_fixed ? before : before + std::to_string(next.value()) + after;
  }
};

// Both must be in `position`, and the topic must have a tag.
PositionFrame frame_of(const Position& position, std::string_view topic, PartitionId partition);

}  // namespace xylem::consumer_app
