#include "tests/sim/storage_script.h"

#include "common/random.h"

#include <utility>

namespace xylem::sim {
namespace {

using enum Act;
using storage::Flush;
using storage::LogOptions;

using Steps = std::vector<Step>;

constexpr std::size_t kSmallSegment = 700;  // bytes: a few batches

LogOptions options_of(Flush flush, std::size_t segment_bytes_max = kSmallSegment) {
  LogOptions options;
  options.flush = flush;
  options.segment_bytes_max = segment_bytes_max;
  return options;
}

Steps operator+(Steps one, const Steps& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

// `count` batches, one after the other.
Steps appends(int count, std::int64_t bytes = 60, int log = 0, bool settled = true) {
  Steps steps;
  for (int i = 0; i < count; ++i) {
    steps.push_back({kAppend, 1 + i % 3, bytes, log});
    steps.push_back({settled ? kSettle : kRound, 0, 0, log});
  }
  return steps;
}

Steps mixed_sizes() {
  Steps steps;
  for (const std::int64_t bytes : {1, 200, 511, 512, 513, 40, 1'500, 4'096, 20, 9'000, 30})
    steps.insert(steps.end(), {{kAppend, 1, bytes}, {kAppend, 2, 30}, {kSettle}});
  return steps;
}

Steps several_logs() {
  Steps steps;
  for (int i = 0; i < 8; ++i) {
    for (int log = 0; log < 3; ++log) steps.push_back({kAppend, 1 + i % 2, 50 + 40 * log, log});
    if (i % 2 == 0) steps.push_back({kRound});
    if (i == 4) steps.push_back({kCutBack, 3, 0, 1});
    if (i == 5) steps.push_back({kDropBefore, 4, 0, 2});
  }
  return steps + Steps{{kSettle, 0, 0, 0}, {kSettle, 0, 0, 1}, {kSettle, 0, 0, 2}, {kRead}};
}

Steps growing_epochs() {
  Steps steps;
  for (int i = 0; i < 8; ++i)
    steps = std::move(steps) + Steps{{kEpoch}} + appends(1 + i % 3) +
            (i == 3 ? Steps{{kCutBack, 4}} : Steps{}) + (i == 5 ? Steps{{kReopen}} : Steps{});
  return steps;
}

Steps holes() {
  Steps steps;
  for (const std::int64_t hole : {0, 5, 0, 100, 1, 2'000, 0})
    steps.insert(steps.end(), {{kAppendAsIs, hole, 80}, {kSettle}});
  steps.push_back({kAppendAsIs, std::int64_t{1} << 33, 80});  // further than an index can say
  return steps + Steps{{kSettle}, {kAppend, 2, 60}, {kSettle}, {kCutBack, 3}, {kAppend, 1, 50},
                       {kSettle}, {kRead},          {kReopen}, {kRead}};
}

}  // namespace

std::vector<Script> scripted_workloads() {
  const auto always = options_of(Flush::kAlways);
  const auto interval = options_of(Flush::kInterval);
  const auto never = options_of(Flush::kNever);
  const auto one_segment = options_of(Flush::kAlways, 1'000'000);
  std::vector<Script> all;
  const auto add = [&](std::string name, const LogOptions& options, Steps steps, int logs = 1) {
    all.push_back({std::move(name), options, logs, std::move(steps)});
  };
  add("append, always", always, appends(12));
  add("append, interval", interval,
      appends(12, 60, 0, false) + Steps{{kSettle}, {kWait, 1'500}, {kRound}, {kRead}});
  add("append, never", never, appends(12, 60, 0, false) + Steps{{kWait, 1'500}, {kRound}, {kRead}});
  add("sizes", options_of(Flush::kAlways, 6'000), mixed_sizes());
  add("the bound is noted", one_segment,
      appends(3) + Steps{{kWait, 1'500}, {kRound}} + appends(3) + Steps{{kWait, 1'500}, {kRound}} +
          appends(2));
  add("cut back within a segment", one_segment,
      appends(6) + Steps{{kCutBack, 5}} + appends(3) + Steps{{kCutBack, 2}, {kRead}});
  add("cut back over segments", always,
      appends(14) + Steps{{kRead}, {kCutBack, 17}} + appends(5) + Steps{{kRead}});
  add("cut back to nothing", always, appends(8) + Steps{{kCutBack, 1'000}} + appends(4));
  add("cut back what waits", never,
      appends(6, 60, 0, false) +
          Steps{{kAppend, 2, 60}, {kAppend, 2, 60}, {kCutBack, 3}, {kRound}} + appends(3));
  add("drop within a segment", one_segment,
      appends(6) + Steps{{kDropBefore, 3}} + appends(2) + Steps{{kRead}});
  add("drop segments", always,
      appends(14) + Steps{{kDropBefore, 12}} + appends(3) + Steps{{kDropBefore, 9}, {kRead}});
  add("drop past the end", interval,
      appends(5) + Steps{{kDropPast, 10}} + appends(4) +
          Steps{{kAppend, 2, 60}, {kDropPast, 3}, {kReopen}} + appends(2));
  add("drop, then cut below", always,
      appends(10) + Steps{{kDropBefore, 11}, {kCutBack, 15}} + appends(4) +
          Steps{{kRead}, {kReopen}, {kRead}});
  add("drop, then cut into a hole", always,
      Steps{{kAppend, 2, 60},
            {kSettle},
            {kAppendAsIs, 60, 60},
            {kSettle},
            {kDropBefore, 40},
            {kCutBack, 12},
            {kReopen},
            {kRead}} +
          appends(2));
  add("retention", always,
      appends(16) + Steps{{kRetain, 800}, {kRetain, 800}} + appends(4) +
          Steps{{kRetain, 800}, {kRead}});
  add("close and reopen", always,
      appends(5) + Steps{{kReopen}} + appends(2) + Steps{{kReopen}, {kReopen}} + appends(5) +
          Steps{{kReopen}, {kCutBack, 4}, {kReopen}, {kRead}});
  add("holes", always, holes());
  add("epochs", always, growing_epochs());
  add("several logs", always, several_logs(), 3);
  add("remove a log", always,
      appends(5) + appends(5, 60, 1) + Steps{{kRemove, 0, 0, 1}} + appends(3, 60, 1) +
          Steps{{kRemove}} + appends(2) + Steps{{kRead}},
      2);
  add("policies change", never,
      appends(4, 60, 0, false) + Steps{{kFlush, 0}} + appends(3) + Steps{{kFlush, 1}} + appends(4) +
          Steps{{kFlush, 2}} + appends(4, 60, 0, false) + Steps{{kFlush, 0}, {kRound}, {kRead}});
  add("a sealed segment rots", always,
      appends(12) + Steps{{kReopen}, {kRot, 1, 333}, {kRead}} + appends(3) +
          Steps{{kReopen}, {kRead}, {kRot, 2, 9}, {kRead}});
  add("the last segment rots", one_segment,
      appends(6) + Steps{{kReopen}, {kRot, 0, 200}, {kRead}} + appends(3) +
          Steps{{kReopen}, {kRead}, {kCutBack, 8}} + appends(2));
  return all;
}

Script random_workload(std::uint64_t seed, int steps) {
  Random random(seed);
  const auto number = [&](std::uint64_t below) {
    return static_cast<std::int64_t>(random.below(below));
  };
  Script script;
  script.name = "random " + std::to_string(seed);
  script.options = options_of(static_cast<Flush>(random.below(3)), 200 + random.below(3'000));
  script.logs = 1 + static_cast<int>(random.below(2));
  for (int i = 0; i < steps; ++i) {
    const int log = static_cast<int>(random.below(static_cast<std::uint64_t>(script.logs)));
    const auto what = random.below(40);
    Step step{kAppend, 1 + number(3), number(4) == 0 ? number(2'000) : number(100), log};
    if (what >= 14) step = {kRound, 0, 0, log};
    if (what >= 20) step = {kSettle, 0, 0, log};
    if (what >= 24) step = {kAppendAsIs, number(2) * number(30), number(200), log};
    if (what >= 27) step = {kCutBack, number(20), 0, log};
    if (what >= 30) step = {kDropBefore, number(12), 0, log};
    if (what == 32) step = {kDropPast, number(10), 0, log};
    if (what == 33) step = {kRetain, number(2'000), 0, log};
    if (what == 34) step = {kReopen};
    if (what == 35) step = {kEpoch, 0, 0, log};
    if (what == 36) step = {kWait, 600, 0, log};
    if (what == 37) step = {kFlush, number(3), 0, log};
    if (what == 38) step = {kRead, 0, 0, log};
    if (what == 39 && number(3) == 0) step = {kRemove, 0, 0, log};
    script.steps.push_back(step);
  }
  return script;
}

}  // namespace xylem::sim
