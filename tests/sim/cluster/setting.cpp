#include "tests/sim/cluster/setting.h"

#include <utility>

namespace xylem::sim {
namespace {

constexpr std::size_t kBatchesPerAnswer = 4;

}  // namespace

Setting::Setting(std::uint64_t seed)
    : random(seed),
      hosts(kHosts, random),
      network(hosts, random),
      history(kPartitions, kProducers, kMinInsync),
      trace(hosts.clock()),
      nodes(kFirstProducer) {
  topic.name = "prices";
  topic.incarnation.topic = TopicId::from_words(7, seed);
  topic.partitions = kPartitions;
  topic.replicas = kReplicas;
  topic.min_insync = kMinInsync;
  pace.tick_us = 50'000 + static_cast<std::int64_t>(random.below(50'000));
  pace.fetch_us = 30'000 + static_cast<std::int64_t>(random.below(200'000));
  pace.produce_us = 100'000 + static_cast<std::int64_t>(random.below(400'000));
}

void Setting::ask(std::size_t to, const Question& question) {
  network.send(question.from, to, [this, to, question] {
    auto answer = nodes[to]->answer(question);
    if (!answer) return;
    network.send(to, question.from, [this, answer = *std::move(answer)] {
      nodes[answer.question.from]->hear(answer);
    });
  });
}

std::vector<StoredBatch*> batches_for(const pipe::Verdict& verdict, const ModelLog& log) {
  std::vector<StoredBatch*> batches;
  if (verdict.answer.state != pipe::FetchState::kOk) return batches;
  for (auto i = log.index_at(verdict.answer.cursor);
       i < log.batches().size() && batches.size() < kBatchesPerAnswer; ++i) {
    if (log.batches()[i]->header.next_offset() > verdict.limit) break;
    batches.push_back(log.batches()[i]);
  }
  return batches;
}

}  // namespace xylem::sim
