#include "broker/config.h"

#include <array>

namespace xylem::broker {
namespace {

using Kind = Setting::Kind;

constexpr std::int64_t kPortMax = 65'535;
constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kMebi = 1024 * kKibi;

constexpr std::array kSettings = {
    Setting{.name = "NODE_ID", .help = "this node's id, unique in the cluster"},
    Setting{.name = "NODE_LOCATION", .help = "region/site/..., decides role and parents"},
    Setting{.name = "NODE_ROLE", .help = "the role asked for: ROOT, L2, L3, POS or LOCAL"},
    Setting{.name = "REGISTRY_URL", .help = "http://host:port of the registry; none: LOCAL alone"},
    Setting{.name = "JOIN_TOKEN", .help = "not checked yet; no effect", .secret = true},
    Setting{.name = "DATA_DIR", .fallback = "xylem-data", .help = "everything this node keeps"},
    Setting{.name = "LISTEN_HOST", .fallback = "0.0.0.0", .help = "address to listen on"},
    Setting{.name = "ADVERTISED_HOST", .help = "host others reach this node at; none: as heard"},
    Setting{.name = "BROKER_PORT",
            .kind = Kind::kNumber,
            .fallback = "9092",
            .help = "clients (TCP); 0: any free port",
            .max = kPortMax},
    Setting{.name = "HTTP_PORT",
            .kind = Kind::kNumber,
            .fallback = "8081",
            .help = "administration (HTTP); 0: any free port",
            .max = kPortMax},
    Setting{.name = "PIPE_PORT",
            .kind = Kind::kNumber,
            .fallback = "7081",
            .help = "children (HTTP); 0: any free port",
            .max = kPortMax},
    Setting{.name = "RAFT_PORT",
            .kind = Kind::kNumber,
            .fallback = "6081",
            .help = "the other root brokers (root only, with ROOT_PEERS)",
            .max = kPortMax},
    Setting{.name = "ROOT_PEERS",
            .help = "node@host:raft-port,... of all root brokers, this one too, in the same order"
                    " everywhere and for ever; none: a root is alone"},
    Setting{.name = "STORAGE_TYPE",
            .kind = Kind::kChoice,
            .fallback = "mmap",
            .help = "where logs live",
            .choices = "mmap|memory"},
    Setting{.name = "SEGMENT_BYTES",
            .kind = Kind::kBytes,
            .help = "size of a segment; none: 1GiB at the root, 64MiB below",
            .min = 64 * kKibi,
            .max = 1024 * kMebi},
    Setting{.name = "FLUSH",
            .kind = Kind::kChoice,
            .fallback = "interval",
            .help = "when pulled batches are synced; produced ones follow their topic",
            .choices = "always|interval|never"},
    Setting{.name = "STORAGE_SCRUB_BYTES_PER_S",
            .kind = Kind::kBytes,
            .fallback = "4MiB",
            .help = "how fast sealed segments are read again to find damage, once a day; 0: not",
            .max = 1024 * kMebi},
    Setting{.name = "PIPE_MAX_BYTES",
            .kind = Kind::kBytes,
            .fallback = "4MiB",
            .help = "most bytes of one fetch",
            .min = 64 * kKibi,
            .max = 16 * kMebi},
    Setting{.name = "PIPE_MAX_WAIT_MS",
            .kind = Kind::kNumber,
            .fallback = "2000",
            .help = "how long a parent may hold a fetch without news, in milliseconds",
            .min = 10,
            .max = 60'000},
    Setting{.name = "REBALANCE_BYTES_PER_S",
            .kind = Kind::kBytes,
            .fallback = "32MiB",
            .help = "how fast replicas that move to this broker are copied (root only)",
            .min = 64 * kKibi,
            .max = 1024 * kMebi},
    Setting{.name = "AUTO_CREATE_TOPICS",
            .kind = Kind::kFlag,
            .fallback = "false",
            .help = "create a topic when it is first produced to or asked for (owner only)"},
    Setting{.name = "LOG_LEVEL",
            .kind = Kind::kChoice,
            .fallback = "info",
            .help = "least level that is written",
            .choices = "debug|info|warn|error"},
    Setting{.name = "LOG_FORMAT",
            .kind = Kind::kChoice,
            .fallback = "text",
            .help = "key=value text or one JSON object a line",
            .choices = "text|json"},
};

Status check_peers(const BrokerOptions& options) {
  if (options.root_peers.empty()) return {};
  if (options.role_before_registry() != Role::kRoot)
    return fail(Errc::kInvalidRequest, "ROOT_PEERS is for root brokers; set NODE_ROLE to ROOT");
  if (number_of(options.root_peers, options.node)) return {};
  return fail(Errc::kInvalidRequest, "ROOT_PEERS does not list this node, " + options.node);
}

Status check_identity(const BrokerOptions& options) {
  if (options.node.empty())
    return fail(Errc::kInvalidRequest, "NODE_ID is not set; give this node a name");
  if (auto good = check_node_id(options.node); !good) return pass(good, "NODE_ID");
  const bool needs_registry =
      options.role_wish && *options.role_wish != Role::kLocal && *options.role_wish != Role::kRoot;
  if (needs_registry && options.registry_url.empty()) {
    return fail(Errc::kInvalidRequest,
                "NODE_ROLE " + std::string(to_string(*options.role_wish)) +
                    " needs a parent: set REGISTRY_URL, or leave NODE_ROLE out to run alone");
  }
  return {};
}

}  // namespace

Role BrokerOptions::role_before_registry() const {
  if (role_wish) return *role_wish;
  constexpr std::array<std::pair<std::string_view, Role>, 4> kPrefixes = {
      {{"root-", Role::kRoot}, {"l2-", Role::kL2}, {"l3-", Role::kL3}, {"pos-", Role::kPos}}};
  if (registry_url.empty()) return Role::kLocal;
  for (const auto& [prefix, role] : kPrefixes) {
    if (node.starts_with(prefix)) return role;
  }
  return Role::kLocal;
}

std::span<const Setting> broker_settings() { return kSettings; }

Result<BrokerOptions> broker_options(const Config& config) {
  BrokerOptions options;
  options.node = config.text("NODE_ID");
  options.location = config.text("NODE_LOCATION");
  options.registry_url = config.text("REGISTRY_URL");
  options.data_dir = config.text("DATA_DIR");
  options.listen_host = config.text("LISTEN_HOST");
  options.advertised_host = config.text("ADVERTISED_HOST");
  options.broker_port = static_cast<std::uint16_t>(config.number("BROKER_PORT"));
  options.http_port = static_cast<std::uint16_t>(config.number("HTTP_PORT"));
  options.pipe_port = static_cast<std::uint16_t>(config.number("PIPE_PORT"));
  options.raft_port = static_cast<std::uint16_t>(config.number("RAFT_PORT"));
  options.storage_type = config.text("STORAGE_TYPE");
  if (config.is_set("SEGMENT_BYTES"))
    options.segment_bytes = static_cast<std::size_t>(config.number("SEGMENT_BYTES"));
  options.scrub_bytes_per_s = config.number("STORAGE_SCRUB_BYTES_PER_S");
  options.pipe_bytes_max = static_cast<std::uint32_t>(config.number("PIPE_MAX_BYTES"));
  options.pipe_wait_ms = static_cast<std::uint32_t>(config.number("PIPE_MAX_WAIT_MS"));
  options.move_bytes_per_s = config.number("REBALANCE_BYTES_PER_S");
  options.auto_create_topics = config.flag("AUTO_CREATE_TOPICS");
  options.log = logger_options(config.text("LOG_LEVEL"), config.text("LOG_FORMAT"));
  options.log.node = options.node;
  options.effective = config.effective();
  if (const auto& wish = config.text("NODE_ROLE"); !wish.empty()) {
    auto role = role_of(wish);
    if (!role) return pass(role, "NODE_ROLE");
    options.role_wish = *role;
  }
  auto flush = storage::flush_of(config.text("FLUSH"));
  if (!flush) return pass(flush, "FLUSH");
  options.pulled_flush = *flush;
  if (auto good = check_identity(options); !good) return pass(good);
  auto peers = root_peers_of(config.text("ROOT_PEERS"));
  if (!peers) return pass(peers, "ROOT_PEERS");
  options.root_peers = std::move(*peers);
  if (auto good = check_peers(options); !good) return pass(good);
  return options;
}

}  // namespace xylem::broker
