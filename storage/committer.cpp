#include "storage/committer.h"

#include "common/check.h"
#include "common/loop/turn_end.h"
#include "common/process.h"
#include "storage/commit/sync_crew.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <limits>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace xylem::storage {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kPostAgainUs = 5'000;  // when the loop's inbox was full
constexpr std::size_t kQuickLogsMax = 16;     // that the loop writes in one turn
constexpr std::int64_t kQuickUsMax = 2'000;   // that the loop may lose by writing itself
constexpr std::int64_t kNotQuickTimes = 100;  // as long as that took, it does not afterwards

}  // namespace

class Committer::Impl {
 public:
  Impl(Loop& loop, const Clock& clock, Rounds rounds)
      : loop_(loop), clock_(clock), turn_end_(loop) {
    if (rounds == Rounds::kByHand) return;
    thread_ = std::thread([this] {
      name_this_thread("committer");
      run();
    });
  }

  ~Impl() { stop(); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void enqueue(std::shared_ptr<Committed> log) {
    if (gathered_.empty()) turn_end_.add([this] { end_turn(); });
    gathered_.push_back(std::move(log));
  }

  void stop() {
    hand_over();
    *open_ = false;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable())
      thread_.join();
    else
      run_round();
  }

  void run_round() {
    XYLEM_CHECK(!thread_.joinable());
    hand_over();
    std::unique_lock lock(mutex_);
    auto round = std::exchange(queued_, {});
    lock.unlock();
    commit_round(std::move(round));
  }

 private:
  using Logs = std::vector<std::shared_ptr<Committed>>;

  struct Visit {
    std::int64_t due_us;
    std::shared_ptr<Committed> log;
  };

  void end_turn() {
    const auto written = is_thread_idle() ? write_quickly() : Logs();
    if (!gathered_.empty()) hand_over();
    for (const auto& log : written) log->committed();
  }

  [[nodiscard]] bool is_thread_idle() {
    const std::lock_guard lock(mutex_);
    return waiting_ && queued_.empty();
  }

  // Takes out of `gathered_` what the thread need not look at; the answer is what moved.
  Logs write_quickly() {
    Logs written;
    const auto begun_us = clock_.monotonic_us();
    if (begun_us < not_quick_until_us_ || gathered_.size() > kQuickLogsMax) return written;
    std::int64_t took_us = 0;
    std::erase_if(gathered_, [&](const auto& log) {
      if (took_us > kQuickUsMax) return false;
      const auto quick = log->write_quickly();
      took_us = clock_.monotonic_us() - begun_us;
      if (quick.moved) written.push_back(log);
      return !quick.visit;
    });
    if (took_us > kQuickUsMax) not_quick_until_us_ = begun_us + took_us * (1 + kNotQuickTimes);
    return written;
  }

  void hand_over() {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      queued_.insert(queued_.end(), std::make_move_iterator(gathered_.begin()),
                     std::make_move_iterator(gathered_.end()));
      wake = waiting_;
    }
    gathered_.clear();
    if (wake) wake_.notify_one();
  }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wait(lock);
      Logs round = std::exchange(queued_, {});
      const bool last = stopping_;
      lock.unlock();
      commit_round(std::move(round));
      lock.lock();
      if (last && queued_.empty()) return;
    }
  }

  // A log may die at the end, so outside the lock.
  void commit_round(Logs round) {
    add_due(round);
    commit(round);
    tell();
  }

  void wait(std::unique_lock<std::mutex>& lock) {
    if (stopping_ || !queued_.empty()) return;
    waiting_ = true;
    const auto until = unposted_.empty() ? next_due_us_ : clock_.monotonic_us() + kPostAgainUs;
    const auto ready = [this] { return stopping_ || !queued_.empty(); };
    if (until == kNever) {
      wake_.wait(lock, ready);
    } else {
      const auto left = std::max<std::int64_t>(0, until - clock_.monotonic_us());
      wake_.wait_for(lock, std::chrono::microseconds(left), ready);
    }
    waiting_ = false;
  }

  void add_due(Logs& round) {
    const auto now = clock_.monotonic_us();
    if (now < next_due_us_) return;
    for (auto& [key, visit] : visits_) {
      if (visit.due_us <= now && std::ranges::find(round, visit.log) == round.end())
        round.push_back(visit.log);
    }
  }

  void commit(const Logs& round) {
    for (const auto& log : round) log->write_waiting();
    const auto now = clock_.monotonic_us();
    const auto outcomes = sync(round, now);
    for (std::size_t i = 0; i < round.size(); ++i) {
      const auto& log = round[i];
      const auto& outcome = outcomes[i];
      visits_.erase(log.get());
      if (outcome.moved) unposted_.push_back(log);
      if (outcome.again_at_us) visits_.emplace(log.get(), Visit{*outcome.again_at_us, log});
    }
    next_due_us_ = kNever;
    for (const auto& [key, visit] : visits_) next_due_us_ = std::min(next_due_us_, visit.due_us);
  }

  // One thread is enough for those that do not touch the disk now.
  std::vector<Committed::Outcome> sync(const Logs& round, std::int64_t now_us) {
    std::vector<Committed::Outcome> outcomes(round.size());
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < round.size(); ++i) {
      if (round[i]->is_sync_due(now_us)) {
        due.push_back(i);
        if (round[i]->is_news_before_sync()) unposted_.push_back(round[i]);
      } else {
        outcomes[i] = round[i]->sync_due(now_us);
      }
    }
    tell();
    crew_.run(due.size(),
              [&](std::size_t i) { outcomes[due[i]] = round[due[i]]->sync_due(now_us); });
    return outcomes;
  }

  void tell() {
    if (unposted_.empty()) return;
    auto moved = std::make_shared<Logs>(unposted_);
    if (loop_.post([moved, open = open_] {
          if (!*open) return;  // the engine that the logs belong to may have gone
          for (const auto& log : *moved) log->committed();
        }))
      unposted_.clear();
  }

  Loop& loop_;
  const Clock& clock_;
  TurnEnd turn_end_;
  Logs gathered_;                                              // the loop's, in this turn
  std::int64_t not_quick_until_us_ = 0;                        // the loop's
  std::shared_ptr<bool> open_ = std::make_shared<bool>(true);  // the loop's
  std::mutex mutex_;
  std::condition_variable wake_;
  Logs queued_;                                   // under mutex_
  bool waiting_ = false;                          // under mutex_
  bool stopping_ = false;                         // under mutex_
  std::unordered_map<Committed*, Visit> visits_;  // the thread's, as all below
  std::int64_t next_due_us_ = kNever;
  Logs unposted_;
  SyncCrew crew_;
  std::thread thread_;
};

Committer::Committer(Loop& loop, const Clock& clock, Rounds rounds)
    : impl_(std::make_unique<Impl>(loop, clock, rounds)) {}

Committer::~Committer() = default;

void Committer::enqueue(std::shared_ptr<Committed> log) { impl_->enqueue(std::move(log)); }

void Committer::run_round() { impl_->run_round(); }

void Committer::stop() { impl_->stop(); }

}  // namespace xylem::storage
