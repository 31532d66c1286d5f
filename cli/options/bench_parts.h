// What several of `bench`'s verbs ask for in the same words, with its limits.
#pragma once

#include "cli/bench/latency_run.h"
#include "cli/options/verb.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::cli {

inline constexpr std::int64_t kBenchSecondsMax = 3'600;          // of a run
inline constexpr std::int64_t kBenchPairsMax = 1'000;            // of runs
inline constexpr std::int64_t kBenchRecordBytesMax = 1'048'576;  // of a record's value

// --rate, --seconds, --size.
void add_paced_load(Verb& verb, LatencyLoad& load);

// --programs, --dir, --json, where a run starts brokers of its own.
void add_started_brokers(Verb& verb, std::string& programs, std::string& directory, bool& json);

// Of an option's text: kInvalidRequest unless 1 to `most`.
Result<std::size_t> bytes_in(const std::string& text, const std::string& option, std::int64_t most);

}  // namespace xylem::cli
