#include "consumer-app/change_cursor.h"

#include "common/batch/record_json.h"

#include <algorithm>

namespace xylem::consumer_app {
namespace {

std::string announcement(const std::string& topic,
                         const CopyState& copy,
                         std::string_view reason = {}) {
  std::string out = "{\"topic\":";
  append_json_bytes(bytes_of(topic), out);
  out += ",\"topicId\":\"" + copy.incarnation.topic.text() + "\"";
  out += ",\"generation\":" + std::to_string(copy.incarnation.generation);
  if (!reason.empty()) out += ",\"reason\":\"" + std::string(reason) + "\"";
  return out += '}';
}

const CopyState* current_of(const Copies& copies, const std::string& topic) {
  const auto found = copies.find(topic);
  return found == copies.end() || !found->second.current ? nullptr : &*found->second.current;
}

bool has_lost(const storage::PartitionLog& log, Offset from, Offset to) {
  if (!log.has_lost()) return false;
  return std::ranges::any_of(log.lost(),
                             [&](const auto& lost) { return lost.from < to && from < lost.to; });
}

}  // namespace

ChangeCursor ChangeCursor::now(const std::vector<std::string>& topics, const Copies& applied) {
  ChangeCursor cursor;
  for (const auto& topic : topics) {
    auto& place = cursor.places_[topic];
    if (const auto* current = current_of(applied, topic))
      place = {.state = State::kFollowing, .tag = current->tag, .next = current->cursors};
  }
  return cursor;
}

ChangeCursor ChangeCursor::at(const std::vector<std::string>& topics, const Position& position) {
  ChangeCursor cursor;
  for (const auto& topic : topics) {
    auto& place = cursor.places_[topic];
    const auto found = position.find(topic);
    if (found != position.end())
      place = {.state = State::kFollowing, .tag = found->second.tag, .next = found->second.next};
  }
  return cursor;
}

ChangeStep ChangeCursor::next(const Copies& applied, const RecordLog& log) {
  readable_.clear();
  for (const auto& [topic, place] : places_) {
    const auto* current = current_of(applied, topic);
    if (current == nullptr) continue;
    if (auto step = visit(topic, *current, log)) return *std::move(step);
  }
  if (readable_.empty()) return {};
  auto chosen = std::ranges::upper_bound(readable_, turn_);  // each in its turn
  if (chosen == readable_.end()) chosen = readable_.begin();
  turn_ = *chosen;
  return read_step(turn_, *current_of(applied, turn_.first), log);
}

// Announces something, or adds what can be read of the topic.
std::optional<ChangeStep> ChangeCursor::visit(const std::string& topic,
                                              const CopyState& current,
                                              const RecordLog& log) {
  Place& place = places_.at(topic);
  if (place.state == State::kUnborn) {
    place.state = State::kFollowing;
    place.tag = current.tag;
  }
  if (place.is_lost) return reset(topic, current, "history");
  if (place.tag != current.tag) return reset(topic, current, place.tag ? "refresh" : "resumed");
  if (place.state != State::kCopying) return follow(topic, place, current, log);
  readable_.emplace_back(topic, PartitionId());
  return std::nullopt;
}

std::optional<ChangeStep> ChangeCursor::follow(const std::string& topic,
                                               Place& place,
                                               const CopyState& current,
                                               const RecordLog& log) {
  bool is_ready = true;
  for (const auto& [partition, applied] : current.cursors) {
    auto next = place.next.find(partition);
    if (next == place.next.end()) {
      const auto begin = current.begins.find(partition);
      if (begin == current.begins.end() || !begin->second.exact)
        return reset(topic, current, "history");
      next = place.next.emplace(partition, begin->second.at).first;
    }
    const auto ready_at = place.ready_at.find(partition);
    is_ready = is_ready && (ready_at == place.ready_at.end() || next->second >= ready_at->second);
    if (next->second >= applied) continue;
    const auto stored = log.find({current.incarnation, partition});
    if (!stored || next->second < stored->start_offset()) return reset(topic, current, "history");
    const Offset to = std::min(applied, stored->written_end());
    if (has_lost(*stored, next->second, to)) return reset(topic, current, "history");
    if (next->second < to) readable_.emplace_back(topic, partition);
  }
  if (place.state != State::kCatchingUp || !is_ready) return std::nullopt;
  place.state = State::kFollowing;
  place.ready_at.clear();
  return Announce{"ready", announcement(topic, current), position()};
}

std::optional<ChangeStep> ChangeCursor::reset(const std::string& topic,
                                              const CopyState& current,
                                              std::string_view reason) {
  if (!current.whole) return std::nullopt;
  places_.at(topic) = {.state = State::kCopying, .tag = current.tag, .next = current.cursors};
  return Announce{"reset", announcement(topic, current, reason), position()};
}

ChangeStep ChangeCursor::read_step(const Turn& turn,
                                   const CopyState& current,
                                   const RecordLog& log) const {
  const auto& [topic, partition] = turn;
  const Place& place = places_.at(topic);
  if (place.state == State::kCopying)
    return ReadCopy{topic, current.tag, place.last_key, position()};
  auto stored = log.find({current.incarnation, partition});
  const Offset to = std::min(current.cursors.at(partition), stored->written_end());
  // While it is catching up an end of the stream begins the reset anew.
  auto frame = place.state == State::kFollowing ? frame_of(positions(), topic, partition)
                                                : PositionFrame{position(), {}, true};
  return ReadLog{topic, current.tag,     partition, std::move(stored), place.next.at(partition),
                 to,    std::move(frame)};
}

void ChangeCursor::read(const ReadLog& step, Offset next) {
  places_.at(step.topic).next[step.partition] = next;
}

void ChangeCursor::read(const ReadCopy& step, std::string last_key) {
  places_.at(step.topic).last_key = std::move(last_key);
}

void ChangeCursor::read_all(const ReadCopy& step, const Copies& applied) {
  Place& place = places_.at(step.topic);
  place.state = State::kCatchingUp;
  place.last_key.reset();
  if (const auto* current = current_of(applied, step.topic)) place.ready_at = current->cursors;
}

void ChangeCursor::lose(const ReadLog& step) { places_.at(step.topic).is_lost = true; }

Position ChangeCursor::positions() const {
  Position all;
  for (const auto& [topic, place] : places_) {
    if (place.state == State::kUnborn) continue;
    auto& one = all[topic];
    if (place.state == State::kFollowing) one = {place.tag, place.next};
  }
  return all;
}

}  // namespace xylem::consumer_app
