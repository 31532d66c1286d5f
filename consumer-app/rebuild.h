// Makes lost copies again from the record log, before the stream begins: a shop needs no broker for
// it. What the log cannot give (it was never whole, has lost bytes, or is gone) the broker gives.
//
// Each partition's part of the log goes through the Applier as if it had been delivered, so the
// copy is the same to the byte, under its old tag; a stop in the middle goes on where it was. Until
// the last record is applied the copy is not whole, and is not shown.
//
// Owns: a thread that reads logs. Threads: the loop's. Limits: kPieceBytes are read at once, and
// the next piece when those are committed.
#pragma once

#include "common/logger.h"
#include "common/loop.h"
#include "common/result.h"
#include "common/worker.h"
#include "consumer-app/applier.h"
#include "consumer-app/record_log.h"
#include "consumer-app/view_origins.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xylem::consumer_app {

class Rebuild {
 public:
  static constexpr std::size_t kPieceBytes = 4ULL * 1024 * 1024;

  struct Context {
    Loop& loop;
    Applier& applier;
    const RecordLog& log;
    Logger& logger;
  };

  explicit Rebuild(const Context& context) : context_(context) {}

  // Of `topics`, those whose copy the view has lost. `done` is called once, never within.
  void start(const Origins& origins,
             const std::vector<std::string>& topics,
             std::function<void()> done);

 private:
  struct Part {
    std::string topic;
    Incarnation incarnation;
    PartitionId partition;
    std::shared_ptr<const storage::PartitionLog> log;
    Offset at;
    Offset end;
  };

  [[nodiscard]] bool is_lost(const std::string& topic, const Origin& origin) const;
  [[nodiscard]] Status check_log(const Origin& origin) const;
  void plan(const std::string& topic, const Origin& origin);
  void go_on();
  void on_piece(const Result<storage::ReadResult>& piece);
  void finish();

  Context context_;
  std::deque<Part> parts_;
  std::vector<MarkWhole> rebuilt_;
  std::function<void()> done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker reader_{"rebuild"};  // last: joined before what it uses goes
};

}  // namespace xylem::consumer_app
