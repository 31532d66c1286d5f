#include "tests/sim/storage_rig.h"

#include "common/batch/batch_builder.h"
#include "common/check.h"
#include "common/logger.h"
#include "common/metrics.h"
#include "storage/log_paths.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::sim {

using storage::PartitionLog;

namespace {

constexpr auto kData = "/data";
constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};
constexpr int kRoundsMax = 100;
constexpr std::size_t kReadBytes = 1'000;

// One for all: they cost more than a run.
Loop& the_loop() {
  static Loop loop;
  return loop;
}

Metrics& the_metrics() {
  static Metrics metrics;
  return metrics;
}

void run_what_is_posted(Loop& loop) {
  XYLEM_CHECK(loop.post([&loop] { loop.stop(); }));
  loop.run();
}

storage::LogName name_of(int number) {
  return {"t", {{Uuid::from_words(1, 2), 0}, PartitionId(number)}};
}

std::string directory_of(const storage::LogName& name) {
  return std::string(kData) + "/logs/" + topic_directory(name) + "/" +
         std::to_string(name.id.partition.value());
}

bool is_fenced(const PartitionLog& log) {
  const auto writable = log.writable();
  return !writable && writable.error().code() != Errc::kDiskFull;
}

}  // namespace

StorageRig::StorageRig(const Script& script, SimDisk& disk) : script_(script), disk_(disk) {
  logs_.resize(static_cast<std::size_t>(script.logs));
  for (auto& log : logs_) log.options = script.options;
}

StorageRig::~StorageRig() { stop(); }

void StorageRig::stop() {
  for (auto& log : logs_) log.log.reset();
  if (engine_ != nullptr) {
    (void)engine_->close();
    run_what_is_posted(the_loop());  // before what it refers to goes
  }
  engine_.reset();
}

Status StorageRig::open_engine() {
  auto engine = storage::MmapEngine::open(
      kData, {the_loop(), disk_, clock_, Logger::none(), the_metrics(), {}, false});
  if (!engine) return pass(engine);
  engine_ = std::move(*engine);
  for (int number = 0; number < script_.logs; ++number) {
    if (auto opened = open_log(number); !opened) return opened;
  }
  return {};
}

Status StorageRig::open_log(int number) {
  auto& log = logs_[static_cast<std::size_t>(number)];
  auto opened = engine_->open(name_of(number), log.options);
  if (!opened) return pass(opened);
  log.log = *opened;
  log.has_failed = false;
  return {};
}

void StorageRig::round() {
  engine_->run_round();
  run_what_is_posted(the_loop());
  for (auto& log : logs_) {
    if (log.log != nullptr) log.history.acknowledged(log.log->synced_end(), log.log->written_end());
  }
}

void StorageRig::settle(Log& log) {
  for (int i = 0; i < kRoundsMax && !disk_.has_crashed(); ++i) {
    round();
    if (log.log->durable_end() >= log.log->end_offset() || is_fenced(*log.log)) return;
    if (!log.log->writable() && i > 3) return;
    clock_.advance_ms(log.options.flush_interval_ms);
  }
}

Buffer StorageRig::some_batch(std::int64_t records, std::int64_t bytes) {
  BatchBuilder builder;
  const auto number = std::to_string(++made_);
  for (std::int64_t i = 0; i < records; ++i) {
    Record record;
    record.key = number;
    record.value =
        std::string(static_cast<std::size_t>(bytes), static_cast<char>('a' + made_ % 26));
    record.timestamp_ms = clock_.wall_ms();
    XYLEM_CHECK(builder.add(record).has_value());
  }
  return *builder.build();
}

Status StorageRig::append(const Step& step, Log& log) {
  auto batch = some_batch(step.a, step.b);
  auto base = log.log->append(batch, log.epoch);
  if (!base) return pass(base);
  assign(batch, *base, log.epoch);
  log.history.appended(std::move(batch));
  return {};
}

Status StorageRig::append_as_is(const Step& step, Log& log) {
  auto batch = some_batch(2, step.b);
  assign(batch, log.log->end_offset() + step.a, log.epoch);
  if (auto done = log.log->append_as_is(batch); !done) return done;
  log.history.appended(std::move(batch));
  return {};
}

Status StorageRig::cut_or_drop(const Step& step, Log& log) {
  const auto start = log.log->start_offset();
  const auto end = log.log->end_offset();
  Status done;
  if (step.act == Act::kCutBack) {
    const Offset to(std::max<std::int64_t>(0, end.value() - step.a));
    if (to >= end) return {};
    log.history.begin_cut(to);
    done = log.log->cut_back(to);
  } else {
    const auto to = (step.act == Act::kDropPast ? end : start) + step.a;
    if (to <= start) return {};
    log.history.begin_drop(to, to);
    done = log.log->drop_before(to);
  }
  const bool untouched = !done && log.log->start_offset() == start &&
                         log.log->end_offset() == end && !disk_.has_crashed() &&
                         !is_fenced(*log.log);
  if (done) log.history.done(log.log->start_offset(), log.log->end_offset());
  if (untouched) log.history.not_begun();
  return done;
}

Status StorageRig::retain(const Step& step, Log& log) {
  log.options.retention_bytes = step.a;
  log.log->set_options(log.options);
  const auto segments = log.log->segments();
  if (segments.empty()) return log.log->retain();
  const auto start = log.log->start_offset();
  log.history.begin_drop(start, segments.back().base_offset);
  auto done = log.log->retain();
  if (done) log.history.done(log.log->start_offset(), log.log->end_offset());
  if (!done && log.log->start_offset() == start && !is_fenced(*log.log)) log.history.not_begun();
  return done;
}

Status StorageRig::remove(const Step& step, Log& log) {
  log.log.reset();
  log.history.begin_remove();
  if (auto gone = engine_->remove(name_of(step.log).id); !gone) {
    log.has_failed = true;
    return gone;
  }
  log.history.done(Offset(0), Offset(0));
  log.epoch = Epoch(0);
  return open_log(step.log);
}

std::string StorageRig::reopen() {
  auto wrong = stop_cleanly();
  return wrong.empty() && !disk_.has_crashed() ? start_and_check(errors_may_happen_) : wrong;
}

std::string StorageRig::stop_cleanly() {
  for (auto& log : logs_) log.log.reset();
  auto closed = engine_->close();
  run_what_is_posted(the_loop());
  engine_.reset();
  if (disk_.has_crashed()) return {};
  if (!closed && !errors_may_happen_) return "close: " + closed.error().what();
  // Otherwise as after a kill: nobody promises that all is written.
  for (auto& log : logs_) {
    if (closed && !log.has_failed) log.history.acknowledged(log.history.end(), log.history.end());
  }
  written_survives_ = !disk_.has_failed_sync();
  return {};
}

// While nobody looks: between a clean stop and the next start.
std::string StorageRig::rot(const Step& step) {
  auto& log = logs_[static_cast<std::size_t>(step.log)];
  const auto segments = log.log->segments();
  if (std::cmp_less_equal(segments.size(), step.a)) return {};
  const auto& segment = segments[static_cast<std::size_t>(step.a)];
  if (segment.bytes == 0) return {};
  const auto position = step.b % segment.bytes;
  if (auto wrong = stop_cleanly(); !wrong.empty() || disk_.has_crashed()) return wrong;
  disk_.flip(segment.path, position, std::byte{0x10});
  log.history.rot(segment.base_offset, position);
  has_rotted_ = true;
  return start_and_check(errors_may_happen_);
}

Status StorageRig::change(const Step& step, Log& log) {
  switch (step.act) {
    case Act::kAppend:
      return append(step, log);
    case Act::kAppendAsIs:
      return append_as_is(step, log);
    case Act::kEpoch:
      log.epoch = log.epoch + 1;
      return {};
    case Act::kRound:
      round();
      return {};
    case Act::kSettle:
      settle(log);
      return {};
    case Act::kWait:
      clock_.advance_ms(step.a);
      return {};
    case Act::kCutBack:
    case Act::kDropBefore:
    case Act::kDropPast:
      return cut_or_drop(step, log);
    case Act::kRetain:
      return retain(step, log);
    case Act::kFlush:
      log.options.flush = static_cast<storage::Flush>(step.a);
      log.log->set_options(log.options);
      return {};
    case Act::kRemove:
      return remove(step, log);
    case Act::kRead:
    case Act::kRot:
    case Act::kReopen:
      return {};
  }
  return {};
}

std::string StorageRig::act(const Step& step) {
  if (step.act == Act::kReopen) return reopen();
  if (step.act == Act::kRot) return rot(step);
  auto& log = logs_[static_cast<std::size_t>(step.log)];
  if (log.log == nullptr) return {};
  if (errors_may_happen_ && is_fenced(*log.log)) return {};
  if (step.act == Act::kRead) settle(log);
  const auto done = change(step, log);
  if (disk_.has_crashed()) return {};
  if (!done && !errors_may_happen_) return "error: " + done.error().what();
  if (log.log == nullptr) return {};
  log.history.acknowledged(log.log->synced_end(), log.log->written_end());
  if (errors_may_happen_) return {};
  if (!log.log->writable()) return "fenced: " + log.log->writable().error().what();
  if (log.log->end_offset() != log.history.end()) return "the end is wrong";
  if (log.log->start_offset() != log.history.start()) return "the start is wrong";
  return step.act == Act::kRead ? check_running(log) : "";
}

std::string StorageRig::check_running(Log& log) {
  Observed seen;
  auto wrong = look(log, seen);
  if (disk_.has_crashed()) return {};
  return wrong.empty() ? log.history.check_all(seen) : wrong;
}

std::string StorageRig::run(bool errors_may_happen) {
  errors_may_happen_ = errors_may_happen;
  if (auto opened = open_engine(); !opened) {
    if (disk_.has_crashed() || errors_may_happen) return {};
    return "open: " + opened.error().what();
  }
  for (std::size_t i = 0; i < script_.steps.size() && engine_ != nullptr; ++i) {
    if (auto wrong = act(script_.steps[i]); !wrong.empty())
      return "step " + std::to_string(i) + ": " + wrong;
    if (disk_.has_crashed()) break;
  }
  return {};
}

std::string StorageRig::check_serving() {
  for (auto& log : logs_) {
    if (log.log == nullptr) continue;
    Observed seen;
    if (auto wrong = look(log, seen); wrong.starts_with("serves")) return wrong;
    if (auto wrong = log.history.check_serves(seen); !wrong.empty()) return wrong;
  }
  return {};
}

std::string StorageRig::resume() {
  constexpr std::int64_t kLongMs = 1'000;
  clock_.advance_ms(kLongMs);
  for (auto& log : logs_) {
    if (log.log == nullptr) continue;
    settle(log);
    if (auto good = log.log->writable(); !good) return "does not resume: " + good.error().what();
    if (log.log->durable_end() != log.log->end_offset()) return "what waited is not written";
    if (auto wrong = check_running(log); !wrong.empty()) return "after it resumed: " + wrong;
  }
  return {};
}

void StorageRig::die(Death death, std::uint64_t seed) {
  disk_.crash_now();
  stop();
  written_survives_ =
      (death == Death::kKill || death == Death::kPowerAll) && !disk_.has_failed_sync();
  if (death == Death::kKill) return disk_.kill();
  disk_.cut_power(death == Death::kPowerNone   ? Survival::kNone
                  : death == Death::kPowerSome ? Survival::kSome
                                               : Survival::kAll,
                  seed);
}

std::string StorageRig::look(Log& log, Observed& seen) {
  const auto& its = *log.log;
  seen = {its.start_offset(), its.end_offset(), {}, {}};
  int tries = 0;
  for (auto cursor = seen.start;;) {
    auto read = its.read(cursor, kReadBytes, kAll);
    if (!read && disk_.has_crashed()) return {};
    if (!read && ++tries < kRoundsMax && has_rotted_ && read.error().code() == Errc::kCorrupt) {
      run_what_is_posted(the_loop());  // it is set aside
      continue;
    }
    if (!read) return "read: " + read.error().what();
    if (read->bytes == 0) break;
    for (const auto& slice : read->slices) {
      for (auto bytes = slice.bytes; !bytes.empty();) {
        const auto header = check_batch(bytes);
        if (!header) return "serves bad bytes: " + header.error().what();
        seen.batches.emplace_back(bytes.begin(),
                                  bytes.begin() + std::ssize(bytes.first(header->bytes)));
        bytes = bytes.subspan(header->bytes);
      }
    }
    cursor = read->next;
  }
  seen.lost = its.lost();
  if (!its.writable()) return {};
  if (seen.batches.empty()) return {};
  const auto last = check_batch(seen.batches.back());
  const auto said = its.last_batch_below(seen.end);
  if (!said && disk_.has_crashed()) return {};
  if (!said || !*said || (*said)->base_offset != last->base_offset || (*said)->crc != last->crc ||
      (*said)->epoch != last->epoch || (*said)->next_offset != last->next_offset())
    return "last_batch_below is wrong";
  return {};
}

std::string StorageRig::start_and_check(bool errors_may_happen) {
  errors_may_happen_ = errors_may_happen;
  if (auto opened = open_engine(); !opened) {
    if (disk_.has_crashed() || errors_may_happen_) return stop(), "";
    return "reopen: " + opened.error().what();
  }
  for (auto& log : logs_) {
    Observed seen;
    auto wrong = look(log, seen);
    if (disk_.has_crashed()) return {};
    if (!wrong.empty() && errors_may_happen) return stop(), "";
    if (wrong.empty()) wrong = log.history.check(seen, written_survives_);
    if (wrong.empty() && !has_rotted_) {
      const auto names = disk_.list(directory_of(log.log->name()));
      const bool may_be_aside = disk_.has_failed_read();  // what cannot be read is damaged
      if (names && std::ranges::any_of(*names, [&](const auto& name) {
            return (name.ends_with(".quarantined") && !may_be_aside) || name.ends_with(".log.new");
          }))
        wrong = "a file was set aside, or left over";
    }
    if (!wrong.empty())
      return "log " + std::to_string(log.log->name().id.partition.value()) + ": " + wrong;
    if (log.log->synced_end() != seen.end) return "a start leaves something unsynced";
    log.history.restart(seen);
    log.epoch = std::max(log.epoch, log.history.epoch());
  }
  return {};
}

std::string StorageRig::live_on() {
  for (auto& log : logs_) {
    const auto offset = log.log->end_offset();
    if (auto done = append({Act::kAppend, 1, 40}, log); !done)
      return "append after a restart: " + done.error().what();
    settle(log);
    if (log.log->durable_end() <= offset) return "nothing is acknowledged after a restart";
    if (auto wrong = check_running(log); !wrong.empty()) return "after a restart: " + wrong;
  }
  die(Death::kPowerNone, 1);
  auto wrong = start_and_check();
  return wrong.empty() ? wrong : "a power cut later: " + wrong;
}

}  // namespace xylem::sim
