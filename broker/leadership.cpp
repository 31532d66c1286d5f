#include "broker/leadership.h"

#include "common/bytes.h"

#include <utility>

namespace xylem::broker {
namespace {

constexpr auto kKind = "leadership";
constexpr auto kKey = "epoch";

}  // namespace

void next_leadership(storage::StateStore& state, std::function<void(Result<Epoch>)> done) {
  state.get(kKind, kKey, [&state, done = std::move(done)](auto stored) {
    if (!stored) return done(pass(stored, "the epoch in state.db"));
    std::int32_t last = -1;
    if (*stored) {
      if ((*stored)->size() != sizeof last)
        return done(fail(Errc::kCorrupt, "the epoch in state.db is malformed"));
      last = load_be<std::int32_t>(**stored);
    }
    const Epoch next(last + 1);
    Buffer value;
    append_be(next.value(), value);
    state.put(kKind, kKey, std::move(value), [next, done](auto written) {
      if (!written) return done(pass(written, "the epoch in state.db"));
      done(next);
    });
  });
}

}  // namespace xylem::broker
