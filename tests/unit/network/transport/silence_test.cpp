#include "network/transport/silence.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

TEST_CASE("silence: counted in ticks that brought nothing; any byte ends it") {
  Silence silence;
  CHECK(silence.tick(0) == 0);  // that nothing came before the first tick says nothing
  CHECK(silence.tick(0) == 1);
  CHECK(silence.tick(0) == 2);
  CHECK(silence.tick(1) == 0);
  CHECK(silence.tick(1) == 1);
  CHECK(silence.tick(2) == 0);
}

TEST_CASE("silence: another connection begins anew") {
  Silence silence;
  CHECK(silence.tick(100) == 0);
  CHECK(silence.tick(100) == 1);
  silence = {};
  CHECK(silence.tick(100) == 0);
}

}  // namespace
}  // namespace xylem::network
