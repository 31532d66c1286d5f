// xylem-sim: histories of the root tier and its tree by their seeds.
//
//   xylem-sim --seeds 20000                seeds 1 to 20000; says which fail, and what they covered
//   xylem-sim --seeds 500 --from 20001     500 others
//   xylem-sim --seed 17                    that one again
//   --trace             with the last events of each history that failed, or of --seed's
//   --seconds 30        virtual ones of troubles in each history
//   --world cluster     or replicas (one partition, no quorum, no tree), or any: both for each seed
//   --expect-finding    for a planted bug: the first seed that finds it
//
// Exit codes: 0: as it should be; 1: a finding, or none where one is expected; 2: bad arguments.
#include "tests/sim/cluster/cluster_world.h"
#include "tests/sim/cluster/replica_world.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xylem::sim {
namespace {

constexpr int kReplicaEvents = 3'000;
constexpr std::uint64_t kFindingsMax = 10;

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  std::int64_t seconds = 30;
  bool has_cluster = true;  // the worlds
  bool has_replicas = false;
  bool is_traced = false;
  bool expects_finding = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value == 0)
    return std::nullopt;
  return value;
}

// Of one that has a value. False: there is no such one, or its value is none.
bool take(std::string_view word, std::string_view value, Arguments& arguments) {
  if (word == "--world") {
    arguments.has_cluster = value == "cluster" || value == "any";
    arguments.has_replicas = value == "replicas" || value == "any";
    return arguments.has_cluster || arguments.has_replicas;
  }
  const auto read = number(value);
  if (!read) return false;
  if (word == "--seeds") {
    arguments.seeds = *read;
  } else if (word == "--from") {
    arguments.first = *read;
  } else if (word == "--seed") {
    arguments.first = *read;
    arguments.seeds = 1;
  } else if (word == "--seconds") {
    arguments.seconds = static_cast<std::int64_t>(*read);
  } else {
    return false;
  }
  return true;
}

std::optional<Arguments> parse(std::span<char*> words) {
  Arguments arguments;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--expect-finding")
      arguments.expects_finding = true;
    else if (word == "--trace")
      arguments.is_traced = true;
    else if (i + 1 == words.size() || !take(word, words[++i], arguments))
      return std::nullopt;
  }
  return arguments;
}

std::string text_of(const ClusterWorld::Covered& covered) {
  return std::to_string(covered.acknowledged) + " acknowledged, " +
         std::to_string(covered.decisions) + " decisions, " + std::to_string(covered.epochs) +
         " epochs, " + std::to_string(covered.troubles) + " troubles, " +
         std::to_string(covered.disks_lost) + " disks lost, " + std::to_string(covered.stranded) +
         " left to an operator";
}

class Runner {
 public:
  explicit Runner(const Arguments& arguments) : arguments_(arguments) {}

  int run() {
    const auto begin = std::chrono::steady_clock::now();
    const auto last = arguments_.first + arguments_.seeds - 1;
    for (auto seed = arguments_.first; seed <= last && findings_ < kFindingsMax; ++seed) {
      const auto fault = history(seed);
      ++seeds_;
      if (fault.empty()) continue;
      ++findings_;
      std::printf("%s %ju: %s\n", arguments_.expects_finding ? "found at seed" : "seed",
                  static_cast<std::uintmax_t>(seed), fault.c_str());
      if (arguments_.expects_finding) return 0;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%ju seeds, %ju findings; %s; %.1f s\n", static_cast<std::uintmax_t>(seeds_),
                static_cast<std::uintmax_t>(findings_), summary().c_str(), took.count());
    return findings_ > 0 || arguments_.expects_finding ? 1 : 0;
  }

 private:
  std::string history(std::uint64_t seed) {
    std::string fault;
    if (arguments_.has_replicas) fault = replicas(seed);
    if (fault.empty() && arguments_.has_cluster) fault = cluster(seed);
    return fault;
  }

  // A history that failed is run again to see its end.
  std::string cluster(std::uint64_t seed) {
    std::string fault;
    {
      ClusterWorld world(seed, false);
      fault = world.run(arguments_.seconds);
      covered_ += world.covered();
    }
    const bool is_one = arguments_.seeds == 1;
    if (arguments_.is_traced && (is_one || !fault.empty())) {
      ClusterWorld world(seed, true);
      static_cast<void>(world.run(arguments_.seconds));
      for (const auto& line : world.trace()) std::printf("  %s\n", line.c_str());
    }
    return fault;
  }

  std::string replicas(std::uint64_t seed) {
    ReplicaWorld world(seed);
    auto fault = world.run(kReplicaEvents);
    if (fault.empty()) fault = world.heal();
    records_ += world.acknowledged();
    elections_ += static_cast<std::uint64_t>(world.elections());
    return fault;
  }

  [[nodiscard]] std::string summary() const {
    if (arguments_.has_cluster) return text_of(covered_);
    return std::to_string(records_) + " records, " + std::to_string(elections_) + " elections";
  }

  Arguments arguments_;
  std::uint64_t seeds_ = 0;
  std::uint64_t findings_ = 0;
  ClusterWorld::Covered covered_;
  std::uint64_t records_ = 0;
  std::uint64_t elections_ = 0;
};

}  // namespace
}  // namespace xylem::sim

int main(int count, char** words) {
  const auto arguments = xylem::sim::parse({words, static_cast<std::size_t>(count)});
  if (!arguments) {
    std::fputs(
        "usage: xylem-sim [--seed N | --seeds N [--from N]] [--seconds N] [--trace]\n"
        "                 [--world cluster|replicas|any] [--expect-finding]\n",
        stderr);
    return 2;
  }
  return xylem::sim::Runner(*arguments).run();
}
