#include "broker/leadership.h"

#include "common/bytes.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::broker {
namespace {

constexpr auto kKind = "leadership";
constexpr auto kKey = "epoch";

}  // namespace

Epoch newest_epoch(storage::StorageEngine& storage, Logger& logger) {
  Epoch newest = kNoEpoch;
  for (const auto& name : storage.logs()) {
    const auto log = storage.open(name, {});
    if (!log) {
      logger.error("leadership.log_unreadable", {{"topic", name.topic},
                                                 {"partition", name.id.partition.value()},
                                                 {"error", log.error().what()}});
      continue;
    }
    const auto epochs = (*log)->epochs();
    if (!epochs.empty()) newest = std::max(newest, epochs.back().epoch);
  }
  return newest;
}

void next_leadership(storage::StateStore& state,
                     Epoch newest,
                     std::function<void(Result<Epoch>)> done) {
  state.get(kKind, kKey, [&state, newest, done = std::move(done)](auto stored) {
    if (!stored) return done(pass(stored, "the epoch in state.db"));
    Epoch last = newest;
    if (*stored) {
      if ((*stored)->size() != sizeof(std::int32_t))
        return done(fail(Errc::kCorrupt, "the epoch in state.db is malformed"));
      last = std::max(last, Epoch(load_be<std::int32_t>(**stored)));
    }
    if (last.value() == std::numeric_limits<std::int32_t>::max())
      return done(fail(Errc::kCorrupt, "no epoch is above the last one"));
    const Epoch next(last.value() + 1);
    Buffer value;
    append_be(next.value(), value);
    state.put(kKind, kKey, std::move(value), [next, done](auto written) {
      if (!written) return done(pass(written, "the epoch in state.db"));
      done(next);
    });
  });
}

}  // namespace xylem::broker
