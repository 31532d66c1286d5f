// Which processes `xylem up` runs, where each listens and what it is told: a pure function of the
// options, so that everything about it can be tested without starting anything.
//
//   registry <- root-* <- l2-* <- l3-* <- pos-* <- local-*    producer -> root-*, consumer <- pos-0
//
// Locations: L2s in region-1, each L3 in a site of its own below it, POS in a till of its site,
// LOCAL below a till. Every process has the directory <dir>/<id> with its `log` and `data`.
// Ports: the well-known ones for the registry, the roots and the consumer, from 9100 on for all
// others; with a base port, the registry's is that and the rest follows, three a broker. Several
// roots have a fourth, for their quorum, and are all told the same list of peers.
#pragma once

#include "cli/up/tree_shape.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::cli {

inline constexpr int kRootsByDefault = 5;
inline constexpr int kRootsMax = 9;

struct UpOptions {
  std::string dir = "xylem-up";
  int roots = kRootsByDefault;
  TreeShape tree;
  std::optional<std::uint16_t> base_port;
  std::vector<TopicSpec> topics;
  bool with_console = true;
  bool with_producer = true;
  bool with_consumer = true;
};

struct ProcessSpec {
  std::string id;
  std::string role;  // REGISTRY, ROOT, L2, L3, POS, LOCAL, PRODUCER, CONSUMER
  std::string program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> settings;  // added to the environment
  std::string directory;
  std::optional<network::Address> tcp;
  std::optional<network::Address> http;
  std::vector<std::pair<std::string, std::uint16_t>> ports;  // what for, and which

  [[nodiscard]] bool is_broker() const;
};

struct Plan {
  std::vector<ProcessSpec> processes;  // in the order of starting
  std::vector<TopicSpec> topics;       // those asked for, and the demo's
  std::string registry_url;

  [[nodiscard]] const ProcessSpec* find(std::string_view id) const;
  [[nodiscard]] std::vector<const ProcessSpec*> brokers() const;
  [[nodiscard]] std::vector<const ProcessSpec*> roots() const;
  [[nodiscard]] std::vector<const ProcessSpec*> leaves() const;  // of the lowest tier there is
};

inline constexpr std::string_view kDemoTopic = "demo";

// `binaries`: the directory of all our programs. kInvalidRequest: ports past 65535, no roots or too
// many.
Result<Plan> make_plan(const UpOptions& options, const std::string& binaries);

}  // namespace xylem::cli
