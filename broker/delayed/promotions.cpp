#include "broker/delayed/promotions.h"

#include "common/batch/batch.h"
#include "common/check.h"

#include <algorithm>
#include <limits>

namespace xylem::broker {
namespace {

constexpr std::int64_t kAtOnce = std::numeric_limits<std::int64_t>::min();
constexpr int kDoublingsMax = 16;

}  // namespace

Promotions::Promotions(const LogId& home) : Promotions(home, Limits()) {}

Promotions::Promotions(const LogId& home, const Limits& limits) : home_(home), limits_(limits) {}

void Promotions::load(const DelayedEntry& entry) {
  if (const auto* parked = std::get_if<Parked>(&entry)) {
    loaded_.insert_or_assign(parked->offset, *parked);
  } else if (const auto* intent = std::get_if<Intent>(&entry)) {
    targets_[intent->target].open = *intent;
  } else if (const auto* promoted = std::get_if<Promoted>(&entry)) {
    loaded_.erase(promoted->parked);
  } else if (const auto* forgotten = std::get_if<Forgotten>(&entry)) {
    targets_.erase(forgotten->target);
  }
}

void Promotions::start(const Now& now) {
  now_ = now;
  for (auto& entered : targets_) {
    auto& state = entered.second;
    auto& intent = *state.open;
    const auto count = intent.parked.size();
    std::erase_if(intent.parked, [this](Offset offset) { return !loaded_.contains(offset); });
    for (const auto offset : intent.parked) {
      const auto parked = loaded_.extract(offset);
      state.open_bytes += parked.mapped().bytes;
    }
    size_ += intent.parked.size();
    state.life = intent.life;
    state.producer = intent.producer;
    state.next_sequence = sequence_after(intent.sequence, static_cast<std::int32_t>(count));
    if (intent.parked.empty())
      state.open.reset();
    else if (intent.parked.size() < count)
      begin_life(state);  // damage took some: it cannot be the same batch any more
    settle(entered);
  }
  for (const auto& [offset, waiting] : std::exchange(loaded_, {})) parked(waiting);
  pump();
}

void Promotions::parked(const Parked& parked) {
  auto& entered = *targets_.try_emplace(parked.target).first;
  entered.second.queue.push({parked.due_ms, parked.offset, parked.bytes});
  entered.second.bytes += parked.bytes;
  ++size_;
  settle(entered);
}

void Promotions::at(const Now& now) {
  now_ = now;
  pump();
}

// Puts it where pump() finds it.
void Promotions::settle(Entered& entered) {
  auto& [target, state] = entered;
  if (state.agenda_ms) agenda_.erase({*state.agenda_ms, target});
  state.agenda_ms.reset();
  if (state.step != Step::kIdle || state.rests_until_ms) return;
  const bool is_urgent = state.open || !state.doomed.empty() || state.is_gone;
  if (!is_urgent && state.queue.empty()) return;
  state.agenda_ms = is_urgent ? kAtOnce : state.queue.top().due_ms;
  agenda_.emplace(*state.agenda_ms, target);
}

void Promotions::rest(Entered& entered) {
  auto& [target, state] = entered;
  const auto doublings = std::min(state.failures++, kDoublingsMax);
  const auto rest_ms = std::min(limits_.rest_ms << doublings, limits_.rest_ms_max);
  state.rests_until_ms = now_.monotonic_ms + rest_ms;
  resting_.emplace(*state.rests_until_ms, target);
}

void Promotions::pump() {
  while (!resting_.empty() && resting_.begin()->first <= now_.monotonic_ms) {
    const auto target = resting_.extract(resting_.begin()).value().second;
    auto& entered = *targets_.find(target);
    entered.second.rests_until_ms.reset();
    settle(entered);
  }
  while (busy_ < limits_.busy && !agenda_.empty() && agenda_.begin()->first <= now_.wall_ms)
    advance(*targets_.find(agenda_.begin()->second));
}

void Promotions::act(Entered& entered, Step step, Action action) {
  XYLEM_CHECK(entered.second.step == Step::kIdle);
  entered.second.step = step;
  ++busy_;
  actions_.push_back(std::move(action));
  settle(entered);
}

void Promotions::advance(Entered& entered) {
  auto& [target, state] = entered;
  if (state.is_gone && state.doomed.empty()) doom_some(state);
  if (!state.doomed.empty() || state.is_gone) {
    state.is_forgetting = state.is_gone && state.queue.empty() && !state.open;
    return act(entered, Step::kWritingDone, WriteDone{target, state.doomed, state.is_forgetting});
  }
  if (state.open && !state.is_unwritten)
    return act(entered, Step::kPromoting, Promote{*state.open, state.open_bytes});
  act(entered, Step::kAsking, Ask{target});
}

void Promotions::doom_some(State& state) {
  if (state.open) state.doomed = std::move(state.open->parked);
  state.open.reset();
  while (!state.queue.empty() && state.doomed.size() < limits_.records) {
    state.doomed.push_back(state.queue.top().offset);
    state.bytes -= state.queue.top().bytes;
    state.queue.pop();
  }
}

// Null: an answer to what is not asked any more.
Promotions::State* Promotions::find(const Target& target, Step step) {
  const auto found = targets_.find(target);
  if (found == targets_.end() || found->second.step != step) return nullptr;
  found->second.step = Step::kIdle;
  --busy_;
  return &found->second;
}

void Promotions::known(const Target& target, std::uint32_t generation, Offset high_watermark) {
  auto* state = find(target, Step::kAsking);
  if (state == nullptr) return;
  auto& entered = *targets_.find(target);
  const auto& queue = state->queue;
  const bool is_due = !queue.empty() && queue.top().due_ms <= now_.wall_ms;
  if (!state->is_gone && (state->open || is_due)) {
    const bool is_resent = state->open && !state->is_new_life;
    if (!state->open) begin_batch(entered);
    auto& intent = *state->open;
    intent.generation = generation;
    // What was sent before is where it was; what is sent now comes behind the high watermark.
    intent.since = is_resent ? std::min(intent.since, high_watermark) : high_watermark;
    state->is_unwritten = true;
    act(entered, Step::kWritingIntent, WriteIntent{intent});
  }
  settle(entered);
  pump();
}

void Promotions::begin_batch(Entered& entered) {
  auto& [target, state] = entered;
  Intent intent;
  intent.target = target;
  std::size_t bytes = 0;
  state.open_bytes = 0;
  auto& queue = state.queue;
  while (!queue.empty() && intent.parked.size() < limits_.records) {
    const auto& next = queue.top();
    bytes += next.bytes;
    const bool fits = bytes <= limits_.bytes && next.due_ms <= now_.wall_ms;
    if (!intent.parked.empty() && !fits) break;
    intent.parked.push_back(next.offset);
    state.bytes -= next.bytes;
    state.open_bytes += next.bytes;
    queue.pop();
  }
  XYLEM_CHECK(!intent.parked.empty());
  intent.life = state.life;
  intent.producer = promoter_id(home_, target, state.life);
  intent.sequence = intent.producer == state.producer ? state.next_sequence : 0;
  state.open = std::move(intent);
}

void Promotions::next_life(State& state, const Target& target) {
  state.life = state.life == std::numeric_limits<std::int32_t>::max() ? 0 : state.life + 1;
  state.producer = promoter_id(home_, target, state.life);
  state.next_sequence = 0;
}

// The records of the open intent in a batch that was never sent.
void Promotions::begin_life(State& state) {
  auto& intent = *state.open;
  next_life(state, intent.target);
  intent.life = state.life;
  intent.producer = state.producer;
  intent.sequence = 0;
  state.is_unwritten = true;
  state.is_new_life = true;
}

void Promotions::failed(const Target& target) {
  if (find(target, Step::kAsking) == nullptr) return;
  auto& entered = *targets_.find(target);
  rest(entered);
  settle(entered);
  pump();
}

void Promotions::written(const Target& target, bool is_written) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return;
  auto& entered = *found;
  const auto step = found->second.step;
  if (step != Step::kWritingIntent && step != Step::kWritingDone) return;
  auto& state = *find(target, step);
  if (!is_written) {
    rest(entered);
  } else if (step == Step::kWritingIntent) {
    state.is_unwritten = false;
    state.is_new_life = false;
    state.failures = 0;
  } else {
    return finish_done(entered);
  }
  settle(entered);
  pump();
}

void Promotions::finish_done(Entered& entered) {
  auto& state = entered.second;
  state.failures = 0;
  if (!state.doomed.empty()) {
    size_ -= state.doomed.size();
    (state.is_gone ? dropped_ : lost_) += state.doomed.size();
    state.doomed.clear();
  } else if (state.open) {
    end_open(state);
  }
  settle(entered);
  if (std::exchange(state.is_forgetting, false) && state.queue.empty()) {
    if (state.agenda_ms) agenda_.erase({*state.agenda_ms, entered.first});
    targets_.erase(targets_.find(entered.first));
  }
  pump();
}

void Promotions::end_open(State& state) {
  const auto& intent = *state.open;
  size_ -= intent.parked.size();
  state.producer = intent.producer;
  state.next_sequence =
      sequence_after(intent.sequence, static_cast<std::int32_t>(intent.parked.size()));
  state.open.reset();
}

void Promotions::promoted(const Target& target, Outcome outcome) {
  auto* state = find(target, Step::kPromoting);
  if (state == nullptr) return;
  auto& entered = *targets_.find(target);
  switch (outcome) {
    case Outcome::kStored:
      state->failures = 0;
      act(entered, Step::kWritingDone, WriteDone{target, state->open->parked, false});
      break;
    case Outcome::kAgain:
      rest(entered);
      break;
    case Outcome::kOtherNumbers:
      begin_life(*state);
      rest(entered);
      break;
    case Outcome::kOtherGeneration:
      state->is_unwritten = true;
      rest(entered);
      break;
  }
  settle(entered);
  pump();
}

void Promotions::lost(const Target& target, const std::vector<Offset>& missing) {
  auto* state = find(target, Step::kPromoting);
  if (state == nullptr) return;
  auto& entered = *targets_.find(target);
  auto& parked = state->open->parked;
  std::erase_if(parked,
                [&](Offset offset) { return std::ranges::find(missing, offset) != missing.end(); });
  state->doomed = missing;
  if (parked.empty()) {
    state->open.reset();
    next_life(*state, target);  // the batch may be stored, with what was found then
  } else {
    begin_life(*state);
  }
  settle(entered);
  pump();
}

void Promotions::gone(const Target& target) {
  const auto found = targets_.find(target);
  if (found == targets_.end()) return;
  auto& entered = *found;
  entered.second.is_gone = true;
  if (entered.second.step == Step::kAsking) find(target, Step::kAsking);
  settle(entered);
  pump();
}

std::optional<Promotions::Action> Promotions::next_action() {
  std::optional<Action> next;
  if (actions_.empty()) return next;
  next.emplace(std::move(actions_.front()));
  actions_.pop_front();
  return next;
}

std::optional<std::int64_t> Promotions::next_in_ms(const Now& now) const {
  std::optional<std::int64_t> next;
  if (!agenda_.empty() && busy_ < limits_.busy) {
    const auto due_ms = agenda_.begin()->first;
    next = due_ms <= now.wall_ms ? 0 : due_ms - now.wall_ms;
  }
  if (!resting_.empty()) {
    const auto rest_ms = std::max<std::int64_t>(0, resting_.begin()->first - now.monotonic_ms);
    next = std::min(next.value_or(rest_ms), rest_ms);
  }
  return next;
}

std::map<Target, Promotions::Waiting> Promotions::waiting() const {
  std::map<Target, Waiting> all;
  for (const auto& [target, state] : targets_) {
    Waiting waiting;
    waiting.records = state.queue.size() + state.doomed.size();
    waiting.bytes = state.bytes;
    if (state.open) waiting.records += state.open->parked.size();
    if (!state.queue.empty()) waiting.next_due_ms = state.queue.top().due_ms;
    if (waiting.records > 0) all.emplace(target, waiting);
  }
  return all;
}

std::vector<Target> Promotions::targets() const {
  std::vector<Target> all;
  all.reserve(targets_.size());
  for (const auto& [target, state] : targets_) all.push_back(target);
  return all;
}

}  // namespace xylem::broker
