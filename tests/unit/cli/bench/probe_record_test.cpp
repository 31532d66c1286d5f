#include "cli/bench/probe_record.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

TEST_CASE("a probe comes back as it was made") {
  Random random(3);
  for (const std::size_t bytes : {kProbeBytesMin, kProbeBytesMin + 1, std::size_t{200}}) {
    const auto value = make_probe({.run = 9, .sequence = 7, .intended_us = 5}, bytes, random);
    CHECK(value.size() == bytes);
    const auto probe = read_probe(bytes_of(value));
    REQUIRE(probe);
    CHECK(probe->run == 9);
    CHECK(probe->sequence == 7);
    CHECK(probe->intended_us == 5);
  }
}

TEST_CASE("half of a probe is random") {
  Random random(3);
  const auto one = make_probe({}, 228, random);
  const auto other = make_probe({}, 228, random);
  CHECK(one.substr(kProbeBytesMin, 100) != other.substr(kProbeBytesMin, 100));
  CHECK(one.substr(kProbeBytesMin + 100) == std::string(100, 'x'));
}

TEST_CASE("a cut or changed probe is told") {
  Random random(3);
  const auto value = make_probe({.run = 9, .sequence = 7, .intended_us = 5}, 60, random);
  for (std::size_t cut = 0; cut < value.size(); ++cut)
    CHECK_FALSE(read_probe(bytes_of(std::string_view(value).substr(0, cut))));
  for (std::size_t bit = (kProbeBytesMin - 4) * 8; bit < value.size() * 8; ++bit) {
    auto changed = value;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(read_probe(bytes_of(changed)));
  }
}

}  // namespace
}  // namespace xylem::cli
