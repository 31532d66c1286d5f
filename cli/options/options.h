// The command line as one of the commands' options: the only place that knows its grammar.
//
// Errors: kInvalidRequest: what is wrong, and which command's --help to read; kCancelled: --help or
// --version, with the text.
#pragma once

#include "cli/commands/bench.h"
#include "cli/commands/bench_fanout.h"
#include "cli/commands/bench_idle.h"
#include "cli/commands/bench_push.h"
#include "cli/commands/bench_storage.h"
#include "cli/commands/bench_throughput.h"
#include "cli/commands/consume.h"
#include "cli/commands/groups.h"
#include "cli/commands/log.h"
#include "cli/commands/node.h"
#include "cli/commands/produce.h"
#include "cli/commands/rebalance.h"
#include "cli/commands/refresh.h"
#include "cli/commands/root.h"
#include "cli/commands/root_tier.h"
#include "cli/commands/topic.h"
#include "cli/commands/tree.h"
#include "cli/up/run_up.h"
#include "common/result.h"

#include <map>
#include <span>
#include <string>
#include <variant>

namespace xylem::cli {

using Command = std::variant<UpOptions,
                             ConsoleOptions,
                             RootInitOptions,
                             RootStatusOptions,
                             RootElectOptions,
                             RebalanceOptions,
                             TopicOptions,
                             GroupsOptions,
                             ProduceOptions,
                             ConsumeOptions,
                             TreeOptions,
                             NodeOptions,
                             LogOptions,
                             BenchLatencyOptions,
                             BenchThroughputOptions,
                             BenchStorageOptions,
                             BenchPushOptions,
                             BenchFanoutOptions,
                             BenchIdleOptions,
                             RefreshOptions>;

// `arguments` without the program's name. XYLEM_REGISTRY and XYLEM_BROKER are the defaults of
// --registry and --broker.
Result<Command> parse_command(std::span<const std::string> arguments,
                              const std::map<std::string, std::string>& environment);

// "host:port,host:port"
Result<std::vector<network::Address>> parse_brokers(const std::string& list);

}  // namespace xylem::cli
