#include "cli/up/plan.h"

#include "cli/output.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace xylem::cli {
namespace {

constexpr const char* kHost = "127.0.0.1";
constexpr int kPortMax = 65'535;
constexpr int kOtherPortsFrom = 9'100;
constexpr std::array<std::string_view, 5> kTiers = {"ROOT", "L2", "L3", "POS", "LOCAL"};

struct BrokerPorts {
  int tcp;
  int http;
  int pipe;
  int raft = 0;  // 0: none
};

class Ports {
 public:
  explicit Ports(const UpOptions& options)
      : is_based_(options.base_port.has_value()),
        base_(options.base_port.value_or(0)),
        has_quorum_(options.roots > 1),
        next_(is_based_ ? base_ + 1 : std::max(kOtherPortsFrom, kRootPorts.tcp + options.roots)) {}

  [[nodiscard]] int registry() const { return is_based_ ? base_ : 8'080; }

  BrokerPorts root(int number) {
    auto ports = is_based_ ? broker() : well_known(number);
    if (!has_quorum_) return ports;
    ports.raft = is_based_ ? next_++ : kRootPorts.raft + number;
    return ports;
  }

  BrokerPorts broker() {
    const int first = next_;
    next_ += 3;
    return {.tcp = first, .http = first + 1, .pipe = first + 2};
  }

  int consumer() { return is_based_ ? next_++ : 8'090; }

  [[nodiscard]] int last() const { return next_ - 1; }

 private:
  static constexpr BrokerPorts kRootPorts = {
      .tcp = 9'092, .http = 8'081, .pipe = 7'081, .raft = 6'081};

  static BrokerPorts well_known(int number) {
    return {.tcp = kRootPorts.tcp + number,
            .http = kRootPorts.http + number,
            .pipe = kRootPorts.pipe + number};
  }

  bool is_based_;
  int base_;
  bool has_quorum_;  // one root needs none
  int next_;
};

class Planner {
 public:
  Planner(const UpOptions& options, std::string binaries)
      : options_(options), binaries_(std::move(binaries)), ports_(options) {
    plan_.topics = options.topics;
    if (std::ranges::find(plan_.topics, kDemoTopic, &TopicSpec::name) == plan_.topics.end())
      plan_.topics.push_back({.name = std::string(kDemoTopic), .cleanup = "compact"});
  }

  Result<Plan> make() {
    add_registry();
    add_roots();
    add_tree();
    if (options_.with_consumer) add_consumer();
    if (options_.with_producer) add_producer();
    if (ports_.last() > kPortMax)
      return fail(Errc::kInvalidRequest,
                  "--base-port: the last process would need port " + std::to_string(ports_.last()));
    return std::move(plan_);
  }

 private:
  ProcessSpec& add(const std::string& id, const std::string& role, const std::string& program) {
    plan_.processes.push_back({.id = id,
                               .role = role,
                               .program = binaries_ + "/" + program,
                               .directory = options_.dir + "/" + id});
    return plan_.processes.back();
  }

  static network::Address here(int port) {
    return {.host = kHost, .port = static_cast<std::uint16_t>(port)};
  }

  // Declares a port under the name of its setting.
  static network::Address take_port(ProcessSpec& spec, const std::string& setting, int port) {
    const auto address = here(port);
    spec.settings[setting] = std::to_string(port);
    spec.ports.emplace_back(setting, address.port);
    return address;
  }

  void add_registry() {
    auto& spec = add("registry", "REGISTRY", "xylem-registry");
    spec.arguments = {"--insecure"};
    spec.settings["REGISTRY_HOST"] = kHost;
    spec.settings["REGISTRY_STORE"] = "sqlite:" + spec.directory + "/registry.db";
    spec.http = take_port(spec, "REGISTRY_PORT", ports_.registry());
    plan_.registry_url = "http://" + spec.http->text();
  }

  void add_roots() {
    std::vector<BrokerPorts> roots;
    std::vector<std::string> peers;
    for (int i = 0; i < options_.roots; ++i) {
      roots.push_back(ports_.root(i));
      peers.push_back("root-" + std::to_string(i) + "@" + here(roots.back().raft).text());
    }
    for (const auto& ports : roots) {
      auto& spec = add_broker("ROOT", "", ports);
      if (ports.raft == 0) continue;
      take_port(spec, "RAFT_PORT", ports.raft);
      spec.settings["ROOT_PEERS"] = joined(peers);
    }
  }

  // A reference into the plan: until the next process is added.
  ProcessSpec& add_broker(const std::string& role,
                          const std::string& location,
                          const BrokerPorts& ports) {
    std::string prefix = role;
    std::ranges::transform(prefix, prefix.begin(), [](char letter) {
      return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    auto& spec = add(prefix + "-" + std::to_string(counts_[role]++), role, "xylem-broker");
    spec.tcp = take_port(spec, "BROKER_PORT", ports.tcp);
    spec.http = take_port(spec, "HTTP_PORT", ports.http);
    take_port(spec, "PIPE_PORT", ports.pipe);
    spec.settings.insert({{"NODE_ID", spec.id},
                          {"NODE_ROLE", role},
                          {"NODE_LOCATION", location},
                          {"REGISTRY_URL", plan_.registry_url},
                          {"DATA_DIR", spec.directory + "/data"},
                          {"LISTEN_HOST", kHost},
                          {"ADVERTISED_HOST", kHost}});
    return spec;
  }

  void add_follower(const std::string& role, const std::string& location) {
    add_broker(role, location, ports_.broker());
  }

  // Tier by tier, so that parents are started before their children.
  void add_tree() {
    const auto& tree = options_.tree;
    for (int i = 0; i < tree.l2; ++i) add_follower("L2", "region-1");
    std::vector<std::string> sites;
    sites.reserve(static_cast<std::size_t>(tree.l2) * static_cast<std::size_t>(tree.l3));
    for (int i = 0; i < tree.l2 * tree.l3; ++i)
      sites.push_back("region-1/site-" + std::to_string(i));
    for (const auto& site : sites) add_follower("L3", site);
    std::vector<std::string> tills;
    for (const auto& site : sites) {
      for (int i = 0; i < tree.pos; ++i) tills.push_back(site + "/till-" + std::to_string(i));
    }
    for (const auto& till : tills) add_follower("POS", till);
    for (const auto& till : tills) {
      for (int i = 0; i < tree.local; ++i)
        add_follower("LOCAL", till + "/local-" + std::to_string(i));
    }
  }

  void add_consumer() {
    const auto brokers = consumer_brokers();
    auto& spec = add("consumer", "CONSUMER", "xylem-consumer-app");
    spec.http = take_port(spec, "CONSUMER_PORT", ports_.consumer());
    std::vector<std::string> topics;
    topics.reserve(plan_.topics.size());
    for (const auto& topic : plan_.topics) topics.push_back(topic.name);
    spec.settings.insert({{"CONSUMER_TYPE", spec.id},
                          {"CONSUMER_TOPICS", joined(topics)},
                          {"CONSUMER_HOST", kHost},
                          {"CONSUMER_BROKERS", brokers},
                          {"STORAGE_DATA_DIR", spec.directory + "/data"}});
  }

  // Its own POS first, then everybody else, from the leaves up.
  [[nodiscard]] std::string consumer_brokers() const {
    auto brokers = plan_.brokers();
    const auto* own = brokers.back();
    for (const auto* broker : brokers) {
      if (broker->role == "POS") {
        own = broker;
        break;
      }
    }
    std::vector<std::string> list = {own->tcp->text()};
    std::ranges::reverse(brokers);
    for (const auto* broker : brokers) {
      if (broker != own) list.push_back(broker->tcp->text());
    }
    return joined(list);
  }

  void add_producer() {
    std::vector<std::string> roots;
    for (const auto* root : plan_.roots()) roots.push_back(root->tcp->text());
    auto& spec = add("producer", "PRODUCER", "xylem");
    spec.arguments = {
        "produce",    std::string(kDemoTopic), "--generate", "--rate", "10", "--broker",
        joined(roots)};
  }

  const UpOptions& options_;
  std::string binaries_;
  Ports ports_;
  Plan plan_;
  std::map<std::string, int> counts_;
};

}  // namespace

bool ProcessSpec::is_broker() const { return std::ranges::find(kTiers, role) != kTiers.end(); }

const ProcessSpec* Plan::find(std::string_view id) const {
  const auto found = std::ranges::find(processes, id, &ProcessSpec::id);
  return found == processes.end() ? nullptr : &*found;
}

std::vector<const ProcessSpec*> Plan::brokers() const {
  std::vector<const ProcessSpec*> found;
  for (const auto& spec : processes) {
    if (spec.is_broker()) found.push_back(&spec);
  }
  return found;
}

std::vector<const ProcessSpec*> Plan::roots() const {
  auto found = brokers();
  std::erase_if(found, [](const auto* spec) { return spec->role != "ROOT"; });
  return found;
}

std::vector<const ProcessSpec*> Plan::leaves() const {
  auto found = brokers();
  const auto lowest = found.back()->role;
  std::erase_if(found, [&lowest](const auto* spec) { return spec->role != lowest; });
  return found;
}

Result<Plan> make_plan(const UpOptions& options, const std::string& binaries) {
  if (options.roots < 1 || options.roots > kRootsMax)
    return fail(Errc::kInvalidRequest,
                "--roots " + std::to_string(options.roots) + ": 1 to " + std::to_string(kRootsMax));
  return Planner(options, binaries).make();
}

}  // namespace xylem::cli
