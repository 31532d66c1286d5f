// One reader of changes: where it stands in each topic, and what to read for it next. Pure: no I/O.
//
//   following    reads the record log from its cursors up to what the view has applied
//   copying      after a reset: reads the current copy key by key ...
//   catching up  ... then the log from where the copy stood at the reset, until it has passed where
//                the copy stood when the last key was read; then it is ready and follows
//
// A reset comes when the copy is not the one that the reader's cursors are of (a refresh has taken
// its place), or when the log no longer holds what its cursors need. So what lies between two
// resets is of one copy, without a gap; and from a reset to its `ready` the last event of a key
// counts. A copy that is not whole is never begun with.
#pragma once

#include "common/ids.h"
#include "consumer-app/change_position.h"
#include "consumer-app/record_log.h"
#include "consumer-app/view_store.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace xylem::consumer_app {

// Records [from, to) of a partition.
struct ReadLog {
  std::string topic;
  std::uint32_t tag = 0;
  PartitionId partition;
  std::shared_ptr<const storage::PartitionLog> log;
  Offset from;
  Offset to;
  PositionFrame position;
};

// Entries of the copy, above `after`.
struct ReadCopy {
  std::string topic;
  std::uint32_t tag = 0;
  std::optional<std::string> after;
  std::string position;
};

struct Announce {
  std::string_view event;  // reset or ready
  std::string data;        // JSON
  std::string position;
};

// std::monostate: there is nothing to be read now.
using ChangeStep = std::variant<std::monostate, Announce, ReadLog, ReadCopy>;

class ChangeCursor {
 public:
  // From what `applied` holds on.
  static ChangeCursor now(const std::vector<std::string>& topics, const Copies& applied);

  // A topic that `position` does not name begins at the start of its log.
  static ChangeCursor at(const std::vector<std::string>& topics, const Position& position);

  ChangeStep next(const Copies& applied, const RecordLog& log);

  // The step was done, up to there, and its copy is still the current one.
  void read(const ReadLog& step, Offset next);
  void read(const ReadCopy& step, std::string last_key);
  void read_all(const ReadCopy& step, const Copies& applied);

  // The log could not give what it should.
  void lose(const ReadLog& step);

  [[nodiscard]] std::string position() const { return position_text(positions()); }

 private:
  enum class State : std::uint8_t { kUnborn, kFollowing, kCopying, kCatchingUp };

  struct Place {
    State state = State::kUnborn;
    std::optional<std::uint32_t> tag;  // nullopt: of no copy
    Cursors next;
    std::optional<std::string> last_key;  // copied
    Cursors ready_at;
    bool is_lost = false;  // the log could not give what is next
  };

  using Turn = std::pair<std::string, PartitionId>;

  std::optional<ChangeStep> visit(const std::string& topic,
                                  const CopyState& current,
                                  const RecordLog& log);
  std::optional<ChangeStep> follow(const std::string& topic,
                                   Place& place,
                                   const CopyState& current,
                                   const RecordLog& log);
  std::optional<ChangeStep> reset(const std::string& topic,
                                  const CopyState& current,
                                  std::string_view reason);
  [[nodiscard]] ChangeStep read_step(const Turn& turn,
                                     const CopyState& current,
                                     const RecordLog& log) const;
  [[nodiscard]] Position positions() const;

  std::map<std::string, Place> places_;
  std::vector<Turn> readable_;  // by the last look
  Turn turn_;                   // read last
};

}  // namespace xylem::consumer_app
