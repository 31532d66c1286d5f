// Group commit: many writers, each waiting for its one batch to be synced before it sends the next.
#include "cli/bench/storage/limit_file.h"
#include "cli/bench/storage/stopwatch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_world.h"
#include "common/batch/batch.h"

#include <algorithm>
#include <filesystem>
#include <optional>

namespace xylem::cli {
namespace {

constexpr std::size_t kWriters = 64;
constexpr std::size_t kRecordBytes = 1024;
constexpr std::int64_t kPrewritten = 64L * 1024 * 1024;  // bytes of all limit files together

struct CommitWork {
  const BatchSet& set;
  std::size_t logs;  // that the writers share
  double seconds;
  const std::string& directory;
};

// Writers that append again as soon as they are acknowledged, until the time is over. It begins
// when every log has its files.
class Committing {
 public:
  Committing(const CommitWork& work, StorageWorld& world) : work_(work), world_(world) {}

  ~Committing() {
    for (const auto& writers : writers_) writers.log->set_listener(nullptr);
  }

  Committing(const Committing&) = delete;
  Committing& operator=(const Committing&) = delete;

  Status open() {
    for (std::size_t i = 0; i < work_.logs; ++i) {
      auto log = world_.log({.flush = storage::Flush::kAlways}, static_cast<std::int32_t>(i));
      if (!log) return pass(log);
      writers_.push_back({.log = *log, .acknowledged = (*log)->end_offset()});
      (*log)->set_listener([this, i] { turn(writers_[i]); });
    }
    return {};
  }

  Status start() {
    for (std::size_t i = 0; i < kWriters; ++i) {
      auto& log = *writers_[i % writers_.size()].log;
      if (auto appended = append(log); !appended) return appended;
    }
    return {};
  }

  [[nodiscard]] const StorageRun& result() const { return result_; }

 private:
  struct Writers {
    std::shared_ptr<storage::PartitionLog> log;
    Offset acknowledged;
    bool is_warm = false;  // its files are there
  };

  Status append(storage::PartitionLog& log) {
    const auto batch = work_.set.batch(appended_++);
    if (auto good = check_batch(batch); !good) return pass(good);
    auto base = log.append(batch, Epoch(1));
    if (!base) return pass(base);
    return {};
  }

  void turn(Writers& writers) {
    if (is_over_) return;
    if (auto health = writers.log->health(); !health) return stop(health);
    const auto end = writers.log->synced_end();
    const auto acknowledged = (end - writers.acknowledged) / work_.set.records();
    writers.acknowledged = end;
    if (acknowledged > 0) writers.is_warm = true;
    if (watch_) {
      acknowledged_ += acknowledged;
      if (watch_->seconds() >= work_.seconds) return stop({});
    } else if (std::ranges::all_of(writers_, &Writers::is_warm)) {
      syncs_before_ = world_.syncs();
      watch_.emplace();
    }
    for (std::int64_t i = 0; i < acknowledged; ++i)
      if (auto appended = append(*writers.log); !appended) return stop(appended);
  }

  void stop(const Status& status) {
    is_over_ = true;
    if (watch_) result_ = watch_->run();
    result_.records = acknowledged_ * work_.set.records();
    result_.bytes = acknowledged_ * static_cast<std::int64_t>(work_.set.batch_bytes());
    result_.syncs = world_.syncs() - syncs_before_;
    world_.stop(status);
  }

  const CommitWork& work_;
  StorageWorld& world_;
  std::vector<Writers> writers_;
  std::int64_t appended_ = 0;
  std::int64_t acknowledged_ = 0;
  bool is_over_ = false;
  std::optional<Stopwatch> watch_;  // none: some log has not begun
  std::int64_t syncs_before_ = 0;
  StorageRun result_;
};

Result<StorageRun> commit_ours(const CommitWork& work) {
  const auto data = work.directory + "/commit";
  auto world = StorageWorld::open(data);
  if (!world) return pass(world);
  StorageRun run;
  {
    Committing committing(work, **world);
    auto done = committing.open();
    if (done) done = committing.start();
    if (done) done = (*world)->run();
    if (!done) return pass(done);
    run = committing.result();
  }
  if (auto closed = (*world)->close(); !closed) return pass(closed);
  std::filesystem::remove_all(data);
  return run;
}

// A round: each batch's CRC, and one write and one sync of each file for all that wait.
Result<StorageRun> commit_limit(const CommitWork& work) {
  const auto file_bytes = kPrewritten / static_cast<std::int64_t>(work.logs);
  std::vector<LimitFile> files;
  for (std::size_t i = 0; i < work.logs; ++i) {
    const auto path = work.directory + "/limit-" + std::to_string(i);
    auto file = LimitFile::create(path, file_bytes, LimitFile::Blocks::kZeroed);
    if (!file) return pass(file);
    std::filesystem::remove(path);
    files.push_back(std::move(*file));
  }
  const auto in_file = kWriters / work.logs;
  const auto round_bytes = static_cast<std::int64_t>(in_file * work.set.batch_bytes());
  std::int64_t position = 0;
  std::int64_t appended = 0;
  std::int64_t syncs = 0;
  std::vector<Bytes> pieces(in_file);
  const Stopwatch watch;
  while (watch.seconds() < work.seconds) {
    if (position + round_bytes > file_bytes) position = 0;  // still prewritten
    for (auto& file : files) {
      for (auto& piece : pieces) {
        piece = work.set.batch(appended++);
        if (auto good = check_batch(piece); !good) return pass(good);
      }
      if (auto wrote = file.write(position, pieces); !wrote) return pass(wrote);
    }
    for (auto& file : files) {
      if (auto synced = file.sync(); !synced) return pass(synced);
      ++syncs;
    }
    position += round_bytes;
  }
  auto run = watch.run();
  run.records = appended * work.set.records();
  run.bytes = appended * static_cast<std::int64_t>(work.set.batch_bytes());
  run.syncs = syncs;
  return run;
}

}  // namespace

StorageLines measure_commit(const StorageBench& bench) {
  const auto& load = bench.load;
  const BatchSet set(load.record_bytes > 0 ? load.record_bytes : kRecordBytes,
                     std::max<std::size_t>(load.batch_bytes, 1));
  const CommitWork one{set, 1, static_cast<double>(load.seconds), bench.directory};
  const CommitWork many{set, kWriters, one.seconds, bench.directory};
  std::vector<StorageLine> lines(2);
  lines[0] = {.name = "commit",
              .what = "group commit, 64 writers, one log",
              .compare = Compare::kRecordsPerSecond};
  lines[1] = {.name = "commit_64_logs",
              .what = "group commit, 64 logs",
              .compare = Compare::kRecordsPerSecond};
  const StorageRivals in_one{[&] { return commit_ours(one); },
                             {{"commit", [&] { return commit_limit(one); }}}};
  if (auto done = measure_line(load.pairs, in_one, lines[0]); !done) return pass(done);
  const StorageRivals in_many{[&] { return commit_ours(many); },
                              {{"commit_64_logs", [&] { return commit_limit(one); }},
                               {"commit_64_logs_vs_64_files", [&] { return commit_limit(many); }}}};
  if (auto done = measure_line(load.pairs, in_many, lines[1]); !done) return pass(done);
  return lines;
}

}  // namespace xylem::cli
