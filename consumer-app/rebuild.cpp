#include "consumer-app/rebuild.h"

#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::consumer_app {
namespace {

Status check_part(const storage::PartitionLog* log, PartitionId partition, const LogPart& part) {
  const auto refuse = [&](const std::string& why) {
    return fail(Errc::kNotFound, "partition " + std::to_string(partition.value()) + ": " + why);
  };
  if (log == nullptr) return part.begin == part.end ? Status() : refuse("its log is not there");
  if (log->start_offset() > part.begin) return refuse("its log begins too late");
  if (log->written_end() < part.end) return refuse("its log ends too early");
  for (const auto& lost : log->lost()) {
    if (lost.to > part.begin) return refuse("its log has lost records");
  }
  return {};
}

}  // namespace

void Rebuild::start(const Origins& origins,
                    const std::vector<std::string>& topics,
                    std::function<void()> done) {
  context_.loop.check_here();
  done_ = std::move(done);
  for (const auto& topic : topics) {
    const auto found = origins.find(topic);
    if (found == origins.end() || !is_lost(topic, found->second)) continue;
    if (auto whole = check_log(found->second); !whole) {
      context_.logger.warn("view.rebuild_from_broker",
                           {{"topic", topic}, {"reason", whole.error().what()}});
      continue;
    }
    plan(topic, found->second);
  }
  context_.loop.answer([this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) go_on();
  });
}

bool Rebuild::is_lost(const std::string& topic, const Origin& origin) const {
  const auto found = context_.applier.applied().find(topic);
  if (found == context_.applier.applied().end() || !found->second.current) return true;
  const auto& current = *found->second.current;
  return !current.whole && current.tag == origin.tag && current.incarnation == origin.incarnation;
}

Status Rebuild::check_log(const Origin& origin) const {
  for (const auto& [partition, part] : origin.partitions) {
    const auto log = context_.log.find({origin.incarnation, partition});
    if (auto good = check_part(log.get(), partition, part); !good) return good;
  }
  return {};
}

void Rebuild::plan(const std::string& topic, const Origin& origin) {
  const auto found = context_.applier.applied().find(topic);
  Cursors applied;
  if (found != context_.applier.applied().end() && found->second.current)
    applied = found->second.current->cursors;
  Begins begins;
  for (const auto& [partition, part] : origin.partitions)
    begins[partition] = {.at = part.begin, .exact = true};
  for (const auto& [partition, log] : context_.log.partitions(origin.incarnation)) {
    const auto begin = begins.try_emplace(partition, Begin{log->start_offset(), true}).first;
    parts_.push_back({topic, origin.incarnation, partition, log,
                      std::max(begin->second.at, applied[partition]), log->written_end()});
  }
  context_.applier.push(RestoreCopy{topic, origin.incarnation, origin.tag, begins});
  rebuilt_.push_back({topic, origin.incarnation});
  context_.logger.info("view.rebuild_from_log", {{"topic", topic}});
}

void Rebuild::go_on() {
  while (!parts_.empty() && parts_.front().at >= parts_.front().end) parts_.pop_front();
  if (parts_.empty()) return finish();
  const bool accepted =
      reader_.submit([this, part = parts_.front(), alive = std::weak_ptr(alive_)] {
        context_.loop.answer([this, alive, piece = part.log->read(part.at, kPieceBytes, part.end)] {
          if (alive.lock()) on_piece(piece);
        });
      });
  XYLEM_CHECK(accepted);  // one is out at a time
}

// A part that cannot be read leaves the copy where it is: the broker is asked for the rest.
void Rebuild::on_piece(const Result<storage::ReadResult>& piece) {
  Part& part = parts_.front();
  const std::string topic = part.topic;
  if (!piece) {
    context_.logger.warn("view.rebuild_from_broker",
                         {{"topic", topic}, {"reason", piece.error().what()}});
    std::erase_if(parts_, [&](const Part& one) { return one.topic == topic; });
    std::erase_if(rebuilt_, [&](const MarkWhole& one) { return one.topic == topic; });
    return go_on();
  }
  for (const auto& slice : piece->slices) {
    context_.applier.push(ApplyBatches{.topic = topic,
                                       .partition = part.partition,
                                       .incarnation = part.incarnation,
                                       .copy = Copy::kCurrent,
                                       .batches = slice});
  }
  part.at = piece->slices.empty() ? part.end : piece->next;
  context_.applier.after_commit(topic, [this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) go_on();
  });
}

void Rebuild::finish() {
  if (rebuilt_.empty()) return std::exchange(done_, nullptr)();
  for (const auto& whole : rebuilt_) context_.applier.push(whole);
  const std::string last = rebuilt_.back().topic;
  rebuilt_.clear();
  context_.applier.after_commit(last, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.lock()) return;
    context_.logger.info("view.rebuilt");
    std::exchange(done_, nullptr)();
  });
}

}  // namespace xylem::consumer_app
