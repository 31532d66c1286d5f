#include "cli/options/verbs.h"

#include <utility>

namespace xylem::cli {
namespace {

constexpr auto kAdminBroker = "localhost:8081";

// Filled in before the addresses are read.
template <class Options>
struct Unread {
  Options options;
  std::string brokers = kAdminBroker;
};

template <class Options>
Result<Command> finish(Unread<Options>& unread) {
  auto brokers = admin_brokers_of(unread.brokers);
  if (!brokers) return pass(brokers);
  unread.options.brokers = std::move(*brokers);
  return std::move(unread.options);
}

template <class Options>
Unread<Options>& add(Verb& verb, Result<Command> (*finish_with)(Unread<Options>&)) {
  auto& unread = verb.fills<Unread<Options>>(finish_with);
  verb.text("--broker", unread.brokers, "host:port,... of root brokers' administration")
      .show_default();
  verb.flag("--json", unread.options.json, "for machines");
  return unread;
}

Result<Command> finish_root_init(RootInitOptions& options) {
  if (options.replaces && options.cluster_id.empty())
    return fail(Errc::kInvalidRequest, "--replace needs --cluster-id");
  return options;
}

void add_init(Verb& group) {
  auto& verb = group.verb("init", "make a cluster in an empty data directory");
  auto& options = verb.fills<RootInitOptions>(finish_root_init);
  verb.text("--data-dir", options.data_dir, "the broker's DATA_DIR").required();
  verb.text("--cluster-id", options.cluster_id, "32 hexadecimal digits; none: a new one");
  verb.flag("--replace", options.replaces,
            "the disk takes the place of a lost one: it joins, and never founds the quorum");
  verb.flag("--json", options.json, "for machines");
}

void add_elect(Verb& group) {
  auto& verb = group.verb("elect", "make a broker lead a partition that nobody in sync can lead");
  auto& options = add<RootElectOptions>(verb, finish<RootElectOptions>).options;
  verb.text("TOPIC", options.topic, "its name").required();
  verb.number("PARTITION", options.partition, "its number").required().not_negative();
  verb.number("--broker-number", options.broker, "who leads from now on, with what it has")
      .required()
      .not_negative();
  verb.flag("--accept-loss", options.accepts_loss,
            "what was acknowledged and this broker does not have is given up");
}

struct Rebalance {
  Unread<RebalanceOptions> unread;
  bool plans = false;
};

Result<Command> finish_rebalance(Rebalance& it) {
  if (it.plans == it.unread.options.executes)
    return fail(Errc::kInvalidRequest, "say --plan or --execute");
  return finish(it.unread);
}

void add_rebalance(Verb& program) {
  constexpr std::int64_t kMovesMax = 10'000;
  constexpr std::int64_t kBytesMin = 65'536;
  constexpr std::int64_t kBytesMax = 1'000'000'000'000;
  auto& verb = program.verb("rebalance", "move replicas between root brokers until all are even");
  auto& it = verb.fills<Rebalance>(finish_rebalance);
  auto& options = it.unread.options;
  verb.flag("--plan", it.plans, "only say what would move");
  verb.flag("--execute", options.executes, "move, and say how far it is");
  verb.text("--brokers", options.targets, "0,1,...: who shall hold replicas; none: all alive");
  verb.number("--max-moves", options.moves_max, "partitions at a time")
      .between(1, kMovesMax)
      .show_default();
  verb.number("--throttle", options.bytes_per_s,
              "bytes a second that each broker copies; none: its REBALANCE_BYTES_PER_S")
      .between(kBytesMin, kBytesMax);
  verb.text("--broker", it.unread.brokers, "host:port,... of root brokers' administration")
      .show_default();
  verb.flag("--json", options.json, "for machines");
}

}  // namespace

void add_root_verbs(Verb& program) {
  auto& group = program.verb("root", "the brokers that own the topics");
  add_init(group);
  auto& status = group.verb("status", "who is there, who leads, what is not as it should be");
  add<RootStatusOptions>(status, finish<RootStatusOptions>);
  add_elect(group);
  add_rebalance(program);
}

}  // namespace xylem::cli
