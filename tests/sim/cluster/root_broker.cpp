#include "tests/sim/cluster/root_broker.h"

#include <algorithm>
#include <utility>

namespace xylem::sim {

RootBroker::Life::Life(Setting& setting,
                       broker::RegisterBroker registration,
                       SimDisk& disk,
                       Member::Hooks hooks)
    : member(setting, std::move(registration), disk, std::move(hooks)) {}

RootBroker::RootBroker(Setting& setting, std::size_t host, const std::vector<RootBroker*>& roots)
    : setting_(setting), host_(host), roots_(roots), disk_id_(Uuid::random(setting.random)) {
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    logs_[partition] =
        std::make_shared<ModelLog>(setting_.log(partition), setting_.pool, 1U << host_);
  }
}

RootBroker::~RootBroker() {
  if (life_) life_->member.close();
}

void RootBroker::start() {
  if (life_) return;
  begin_life();
  if (!life_->member.open(!std::exchange(was_ever_up_, true))) return stop(End::kProcess);
  tick_later();
}

void RootBroker::begin_life() {
  setting_.hosts.start(host_);
  setting_.trace.note([&] { return "root " + std::to_string(host_) + " starts"; });
  for (const auto& log : logs_) log->recover();
  life_ = std::make_unique<Life>(setting_,
                                 broker::RegisterBroker{.broker = replica_of(host_),
                                                        .node = "root-" + std::to_string(host_),
                                                        .instance = Uuid::random(setting_.random),
                                                        .disk = disk_id_,
                                                        .clients = "",
                                                        .pipe = "",
                                                        .is_clean = false,
                                                        .unproven = unproven_},
                                 *store_, hooks());
}

void RootBroker::stop(End how) {
  if (!life_) return;
  setting_.trace.note([&] {
    return "root " + std::to_string(host_) +
           (how == End::kPower ? " loses its power" : " is killed");
  });
  setting_.hosts.stop(host_);
  store_->crash_now();
  life_->member.close();
  life_.reset();
  if (how == End::kPower)
    store_->cut_power(Survival::kSome, setting_.random.next());
  else
    store_->kill();
  for (const auto& log : logs_) {
    if (how == End::kPower)
      log->cut_power(setting_.random);
    else
      log->crash(setting_.random);
  }
}

Member::Hooks RootBroker::hooks() {
  return {.send =
              [this](std::size_t to, Buffer message) {
                if (!setting_.hosts.is_up(host_)) return;
                auto shared = std::make_shared<const Buffer>(std::move(message));
                setting_.network.send(host_, to, [this, to, shared] {
                  roots_[to]->life_->member.receive(host_, *shared);
                });
              },
          .forward =
              [this](std::size_t to, Buffer command) {
                auto shared = std::make_shared<const Buffer>(std::move(command));
                setting_.network.send(host_, to, [this, to, shared] {
                  roots_[to]->life_->member.receive_command(*shared);
                });
              },
          .decided = [this](const std::set<LogId>& logs) { decided(logs); }};
}

void RootBroker::decided(const std::set<LogId>& logs) {
  unproven_.clear();  // it was told with the registration
  for (const auto& log : logs) {
    if (const auto* record = life_->member.state().find(log))
      decided(static_cast<std::size_t>(log.partition.value()), *record);
  }
}

void RootBroker::decided(std::size_t partition, const broker::PartitionRecord& record) {
  auto& replica = life_->replicas[partition];
  if (broker::is_member(replica_of(host_), record.replicas)) {
    if (!replica) {
      replica = std::make_unique<HostedReplica>(
          setting_, host_, partition, logs_[partition], disk_,
          [this](const broker::ClusterCommand& command) { life_->member.propose(command); });
    }
    return replica->decided(record);
  }
  if (replica) replica->decided(record);
  logs_[partition]->clear();
}

void RootBroker::tick_later() {
  setting_.hosts.after(host_, setting_.pace.tick_us, [this] {
    tick();
    if (life_) tick_later();
  });
}

void RootBroker::tick() {
  if (store_->has_crashed()) {
    stop(End::kPower);
  } else if (!life_->member.is_well()) {
    stop(End::kProcess);
  } else {
    if (has_fenced_log()) life_->member.give_up();  // until somebody starts it anew
    for (const auto& replica : life_->replicas) {
      if (!replica) continue;
      for (std::size_t root = 0; root < kRoots; ++root) {
        if (life_->heard_ms[root] != 0) replica->heard(replica_of(root), life_->heard_ms[root]);
      }
      replica->tick();
    }
    life_->member.tick();
  }
}

bool RootBroker::has_fenced_log() const {
  return std::ranges::any_of(logs_, [](const auto& log) { return log->is_fenced(); });
}

std::optional<Answer> RootBroker::answer(const Question& question) {
  if (question.asker == pipe::Asker::kReplica)
    life_->heard_ms[question.from] = setting_.hosts.now_ms();
  const auto& replica = life_->replicas[question.partition];
  if (replica) return replica->answer(question);
  Answer answer{question, host_, {}, {}};
  answer.said.state = pipe::FetchState::kNotHere;
  answer.said.cursor = question.at.cursor;
  return answer;
}

void RootBroker::hear(const Answer& answer) {
  if (const auto& replica = life_->replicas[answer.question.partition]) replica->hear(answer);
}

void RootBroker::produce(std::size_t partition, Bytes batch, const Reply& reply) {
  if (const auto& replica = life_->replicas[partition]) replica->produce(batch, reply);
}

void RootBroker::propose(const broker::ClusterCommand& command) {
  if (life_) life_->member.propose(command);
}

void RootBroker::set_full(bool is_full) {
  disk_.is_full = is_full;
  if (is_full)
    store_->fail_at(1, Fault::kDiskFull, true);
  else
    store_->fail_no_more();
}

void RootBroker::fail_soon() {
  constexpr std::array kFaults{Fault::kIo, Fault::kShortWrite, Fault::kFullWrite, Fault::kSync};
  if (setting_.random.below(2) == 0)
    disk_.fails_sync = true;
  else
    store_->fail_at(1 + setting_.random.below(3), kFaults[setting_.random.below(kFaults.size())],
                    false);
}

void RootBroker::cut_power_soon() {
  store_->crash_at(store_->steps() + 1 + setting_.random.below(4), setting_.random.next());
}

void RootBroker::lose_disk() {
  for (const auto& log : logs_) log->clear();
  disk_id_ = Uuid::random(setting_.random);
  store_ = std::make_unique<SimDisk>();
  set_full(disk_.is_full);
  is_rebuilding_ = true;
}

void RootBroker::rot(std::size_t partition) {
  const auto& log = *logs_[partition];
  if (log.batches().empty()) return;
  const auto from = setting_.random.below(log.batches().size());
  static_cast<void>(logs_[partition]->cut_back(log.batches()[from]->header.base_offset));
  unproven_.push_back(setting_.log(partition));
  is_rebuilding_ = true;
}

}  // namespace xylem::sim
