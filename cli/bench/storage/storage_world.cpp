#include "cli/bench/storage/storage_world.h"

#include "cli/bench/storage/storage_load.h"
#include "storage/storage_metrics.h"

namespace xylem::cli {
namespace {

const storage::LogName kName{"bench", {{Uuid::from_words(1, 1), 0}, PartitionId(0)}};

constexpr std::int64_t kTurnBytes = 256L * 1024;  // about what sockets bring in a turn

// Appends as much as may be outstanding, some in each turn of the loop, and goes on whenever
// something of it is written.
class Appending {
 public:
  Appending(StorageWorld& world,
            storage::PartitionLog& log,
            const BatchSet& set,
            std::int64_t batches)
      : world_(world), log_(log), set_(set), batches_(batches), start_(log.end_offset()) {
    log_.set_listener([this] { turn(); });
  }

  ~Appending() { log_.set_listener(nullptr); }

  Appending(const Appending&) = delete;
  Appending& operator=(const Appending&) = delete;

  void turn() {
    if (auto health = log_.health(); !health) return world_.stop(health);
    const auto written = (log_.written_end() - start_) / set_.records();
    const auto most =
        std::max<std::int64_t>(1, static_cast<std::int64_t>(kOutstandingMax / set_.batch_bytes()));
    const auto turn_end = appended_ + set_.batches_in(kTurnBytes);
    while (appended_ < batches_ && appended_ - written < most) {
      if (appended_ == turn_end) return go_on();
      if (auto done = append(set_.batch(appended_)); !done) return world_.stop(done);
      ++appended_;
    }
    if (written == batches_) world_.stop({});
  }

 private:
  void go_on() {
    if (std::exchange(goes_on_, true)) return;
    world_.post([this, alive = std::weak_ptr(alive_)] {
      if (alive.expired()) return;
      goes_on_ = false;
      turn();
    });
  }

  Status append(Bytes batch) {
    if (auto good = check_batch(batch); !good) return pass(good);
    auto base = log_.append(batch, Epoch(1));
    if (!base) return pass(base);
    return {};
  }

  StorageWorld& world_;
  storage::PartitionLog& log_;
  const BatchSet& set_;
  std::int64_t batches_;
  std::int64_t appended_ = 0;
  bool goes_on_ = false;  // in the next turn
  Offset start_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace

Result<std::unique_ptr<StorageWorld>> StorageWorld::open(const std::string& directory) {
  std::unique_ptr<StorageWorld> world(new StorageWorld());
  auto engine = storage::open_storage(
      "mmap", directory,
      {world->loop_, world->disk_, world->clock_, Logger::none(), world->metrics_});
  if (!engine) return pass(engine);
  world->engine_ = std::move(*engine);
  return world;
}

Result<std::shared_ptr<storage::PartitionLog>> StorageWorld::log(const storage::LogOptions& options,
                                                                 std::int32_t partition) {
  auto name = kName;
  name.id.partition = PartitionId(partition);
  return engine_->open(name, options);
}

void StorageWorld::post(Loop::Task task) { loop_.answer(std::move(task)); }

Status StorageWorld::run() {
  loop_.run();
  return status_;
}

void StorageWorld::stop(Status status) {
  status_ = std::move(status);
  loop_.stop();
}

std::int64_t StorageWorld::syncs() {
  return static_cast<std::int64_t>(storage::StorageMetrics(metrics_).syncs.value());
}

Status append_all(StorageWorld& world,
                  storage::PartitionLog& log,
                  const BatchSet& set,
                  std::int64_t batches) {
  Appending appending(world, log, set, batches);
  appending.turn();
  return world.run();
}

}  // namespace xylem::cli
