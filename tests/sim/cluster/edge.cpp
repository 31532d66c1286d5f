#include "tests/sim/cluster/edge.h"

#include "pipe/child_position.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::sim {
namespace {

constexpr std::int64_t kSilenceMs = 1'000;
constexpr std::int64_t kSyncUs = 100'000;  // up to; what is pulled the parent still has

constexpr pipe::ParentWalk::Options kWalk{
    .backoff = {.min_ms = 50, .max_ms = 1'000}, .fail_back_ms = 1'000, .barred_ms = 2'000};

pipe::Parent parent_at(std::size_t host) { return {.node = {}, .url = std::to_string(host)}; }

std::size_t host_of_parent(const pipe::Parent& parent) { return std::stoul(parent.url); }

}  // namespace

Edge::Feed::Feed(Setting& setting, std::size_t host, DiskState& disk, std::shared_ptr<ModelLog> log)
    : walk(kWalk, setting.hosts.clock(), setting.random),
      committer(setting.hosts, host, setting.random, disk, std::move(log), [] {}) {}

Edge::Edge(Setting& setting, std::size_t host)
    : setting_(setting), host_(host), tier_((host - kFirstEdge) / kPerTier) {
  disk_.sync_us = kSyncUs;
  for (std::size_t partition = 0; partition < kPartitions; ++partition)
    logs_[partition] = std::make_shared<ModelLog>(setting_.log(partition), setting_.pool, 0);
}

// Of the tier above first, in any order; then of those further up.
std::vector<pipe::Parent> Edge::parents() {
  std::vector<pipe::Parent> all;
  auto first = kFirstEdge + tier_ * kPerTier;
  const auto shuffle_in = [&](std::size_t begin, std::size_t end) {
    const auto before = all.size();
    for (auto host = begin; host < end; ++host) {
      const auto at = before + setting_.random.below(all.size() - before + 1);
      all.insert(all.begin() + static_cast<std::ptrdiff_t>(at), parent_at(host));
    }
  };
  for (; first > kFirstEdge; first -= kPerTier) shuffle_in(first - kPerTier, first);
  shuffle_in(0, kRoots);
  return all;
}

void Edge::start() {
  if (setting_.hosts.is_up(host_)) return;
  setting_.hosts.start(host_);
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    logs_[partition]->recover();
    feeds_[partition] = std::make_unique<Feed>(setting_, host_, disk_, logs_[partition]);
    feeds_[partition]->walk.set_parents(parents());
    fetch_later(partition);
  }
}

void Edge::stop(End how) {
  if (!setting_.hosts.is_up(host_)) return;
  setting_.trace.note([&] { return "edge " + std::to_string(host_) + " stops"; });
  setting_.hosts.stop(host_);
  for (auto& feed : feeds_) feed.reset();
  for (const auto& log : logs_) {
    if (how == End::kPower)
      log->cut_power(setting_.random);
    else
      log->crash(setting_.random);
  }
}

bool Edge::has_fenced_log() const {
  return std::ranges::any_of(logs_, [](const auto& log) { return log->is_fenced(); });
}

void Edge::change_parents() {
  if (!setting_.hosts.is_up(host_)) return;
  auto all = parents();
  if (tier_ > 0 && setting_.random.below(4) == 0) std::ranges::reverse(all);
  for (const auto& feed : feeds_) feed->walk.set_parents(all);
}

void Edge::fetch_later(std::size_t partition) {
  const auto pause_us = static_cast<std::uint64_t>(setting_.pace.fetch_us);
  setting_.hosts.after(host_, static_cast<std::int64_t>(pause_us + setting_.random.below(pause_us)),
                       [this, partition] {
                         fetch(partition);
                         fetch_later(partition);
                       });
}

void Edge::fetch(std::size_t partition) {
  auto& feed = *feeds_[partition];
  const auto now_ms = setting_.hosts.now_ms();
  if (feed.asked_ms && now_ms - *feed.asked_ms < kSilenceMs) return;
  if (feed.asked_ms) feed.walk.failed();
  feed.asked_ms.reset();
  if (now_ms < feed.walk.ask_at_ms() || logs_[partition]->is_fenced()) return;
  feed.asked_ms = now_ms;
  setting_.ask(host_of_parent(*feed.walk.current()),
               {.from = host_,
                .partition = partition,
                .asker = pipe::Asker::kChild,
                .at = *pipe::position_of(setting_.log(partition), *logs_[partition])});
}

std::optional<Answer> Edge::answer(const Question& question) {
  const auto& log = logs_[question.partition];
  const pipe::SourcePartition source{.log = log,
                                     .high_watermark = log->written_end(),
                                     .is_leader = false,
                                     .leader = {},
                                     .leader_address = {},
                                     .compacted_below = {},
                                     .tombstone_horizon = {}};
  auto verdict = pipe::judge(question.at, source, question.asker);
  return Answer{question, host_, verdict.answer, batches_for(verdict, *log)};
}

void Edge::hear(const Answer& answer) {
  auto& feed = *feeds_[answer.question.partition];
  if (const auto* parent = feed.walk.current(); host_of_parent(*parent) == answer.from) {
    feed.asked_ms.reset();
    if (answer.said.state == pipe::FetchState::kNotHere) return feed.walk.failed();
    feed.walk.succeeded();
    if (answer.said.state == pipe::FetchState::kBehind) return feed.walk.is_behind();
  }
  store(answer);
}

void Edge::store(const Answer& answer) {
  const auto partition = answer.question.partition;
  const auto& log = logs_[partition];
  if (log->is_fenced() || disk_.is_full) return;
  if (*pipe::position_of(setting_.log(partition), *log) != answer.question.at) return;
  if (answer.said.state == pipe::FetchState::kDiverged) {
    const auto offset = pipe::cut_point(*log, answer.said);
    setting_.history.takes_back(*offset);
    static_cast<void>(log->cut_back(*offset));
  }
  if (answer.said.state != pipe::FetchState::kOk || answer.batches.empty() ||
      !setting_.history.continues(*log, answer.batches))
    return;
  for (auto* batch : answer.batches) log->take(batch);
  feeds_[partition]->committer.wake();
  setting_.history.stored(partition, *log);
  fetch(partition);
}

}  // namespace xylem::sim
