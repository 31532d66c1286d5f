// xylem-sim: histories of the root tier by their seeds.
//
//   xylem-sim --seeds 20000            seeds 1 to 20000; says which fail, and what they covered
//   xylem-sim --seed 17                that one again
//   xylem-sim --seeds 20000 --expect-finding    for a planted bug: the first seed that finds it
//
// Exit codes: 0: as it should be; 1: a finding, or none where one is expected; 2: bad arguments.
#include "tests/sim/cluster/replica_world.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string_view>

namespace xylem::sim {
namespace {

constexpr int kEvents = 3'000;
constexpr std::uint64_t kFindingsMax = 10;

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t last = 1'000;
  bool expects_finding = false;
};

struct Covered {
  std::uint64_t records = 0;
  std::int64_t elections = 0;
  std::int64_t truncations = 0;
  std::int64_t set_changes = 0;
  std::int64_t moves = 0;
  std::int64_t disks_lost = 0;

  void add(const ReplicaWorld& world) {
    records += world.acknowledged();
    elections += world.elections();
    truncations += world.truncations();
    set_changes += world.set_changes();
    moves += world.moves();
    disks_lost += world.disks_lost();
  }
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value == 0)
    return std::nullopt;
  return value;
}

std::optional<Arguments> parse(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--expect-finding") {
      arguments.expects_finding = true;
      continue;
    }
    const auto value = i + 1 < words.size() ? number(words[i + 1]) : std::nullopt;
    if (!value || (word != "--seed" && word != "--seeds")) return std::nullopt;
    if (word == "--seed") arguments.first = *value;
    arguments.last = *value;
    ++i;
  }
  return arguments;
}

int run(const Arguments& arguments) {
  std::uint64_t findings = 0;
  Covered covered;
  for (auto seed = arguments.first; seed <= arguments.last && findings < kFindingsMax; ++seed) {
    ReplicaWorld world(seed);
    auto fault = world.run(kEvents);
    if (fault.empty()) fault = world.heal();
    covered.add(world);
    if (fault.empty()) continue;
    ++findings;
    std::printf("seed %ju: %s\n", static_cast<std::uintmax_t>(seed), fault.c_str());
    if (arguments.expects_finding) return 0;
  }
  std::printf(
      "%ju findings; %ju records, %jd elections, %jd cut back, %jd set changes, %jd moves, "
      "%jd disks lost\n",
      static_cast<std::uintmax_t>(findings), static_cast<std::uintmax_t>(covered.records),
      static_cast<std::intmax_t>(covered.elections),
      static_cast<std::intmax_t>(covered.truncations),
      static_cast<std::intmax_t>(covered.set_changes), static_cast<std::intmax_t>(covered.moves),
      static_cast<std::intmax_t>(covered.disks_lost));
  return findings > 0 || arguments.expects_finding ? 1 : 0;
}

}  // namespace
}  // namespace xylem::sim

int main(int count, char** words) {
  const auto arguments = xylem::sim::parse({words, static_cast<std::size_t>(count)});
  if (!arguments) {
    std::fputs("usage: xylem-sim [--seed N | --seeds N] [--expect-finding]\n", stderr);
    return 2;
  }
  return xylem::sim::run(*arguments);
}
