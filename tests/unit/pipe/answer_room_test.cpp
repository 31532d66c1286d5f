#include "pipe/answer_room.h"

#include <doctest/doctest.h>

#include <optional>
#include <utility>

namespace xylem::pipe {
namespace {

Buffer answer_of(std::size_t size, Buffer room = {}) {
  room.resize(size, std::byte{7});
  return room;
}

TEST_CASE("answer room: the memory of a large answer serves the next one") {
  const auto room = std::make_shared<AnswerRoom>();
  CHECK(room->take().capacity() == 0);
  const std::byte* first = nullptr;
  {
    const auto answer = room->lend(answer_of(AnswerRoom::kLarge));
    first = answer.bytes.data();
    CHECK(answer.bytes.size() == AnswerRoom::kLarge);
    CHECK(room->take().capacity() == 0);  // it is still being read
  }
  auto again = room->take();
  CHECK(again.empty());
  CHECK(again.data() == first);
  CHECK(room->take().capacity() == 0);  // given once
}

TEST_CASE("answer room: an answer's part keeps its memory") {
  const auto room = std::make_shared<AnswerRoom>();
  std::optional<Slice> part;
  {
    const auto answer = room->lend(answer_of(AnswerRoom::kLarge));
    part = answer.sub(10, 5);
  }
  CHECK(room->take().capacity() == 0);
  CHECK(part->bytes.front() == std::byte{7});
  part.reset();
  CHECK(room->take().capacity() >= AnswerRoom::kLarge);
}

TEST_CASE("answer room: a small answer ends it, and what is too large is not kept") {
  const auto room = std::make_shared<AnswerRoom>();
  {
    const auto large = room->lend(answer_of(AnswerRoom::kLarge));
  }
  {
    const auto small = room->lend(answer_of(AnswerRoom::kLarge - 1, room->take()));
  }
  CHECK(room->take().capacity() == 0);
  {
    const auto huge = room->lend(answer_of(AnswerRoom::kKeptMax + 1));
  }
  CHECK(room->take().capacity() == 0);
}

TEST_CASE("answer room: an answer outlives its link") {
  auto room = std::make_shared<AnswerRoom>();
  const auto answer = room->lend(answer_of(AnswerRoom::kLarge));
  room.reset();
  CHECK(answer.bytes.back() == std::byte{7});
}

}  // namespace
}  // namespace xylem::pipe
