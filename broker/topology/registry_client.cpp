#include "broker/topology/registry_client.h"

#include "common/http_problem.h"

#include <optional>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::int64_t kExchangeTimeoutMs = 5'000;
constexpr std::int64_t kGoodbyeTimeoutMs = 1'000;
constexpr std::size_t kAnswerBytesMax = 4ULL * 1024 * 1024;

std::string node_target(const NodeId& node) { return "/api/v1/nodes/" + percent_encode(node); }

// For an answer that names no code of ours.
Errc code_of(int status) {
  if (status == 400) return Errc::kInvalidRequest;
  if (status == 401 || status == 403) return Errc::kUnauthorized;
  if (status == 409) return Errc::kDuplicateNode;
  return Errc::kUnavailable;
}

// What stays until a person acts.
bool is_refusal(Errc code) {
  return code == Errc::kDuplicateNode || code == Errc::kUnauthorized ||
         code == Errc::kInvalidRequest;
}

}  // namespace

Result<std::unique_ptr<RegistryClient>> RegistryClient::create(const Context& context,
                                                               const std::string& url,
                                                               Hooks hooks) {
  auto http = HttpClient::create({.base_url = url, .body_bytes_max = kAnswerBytesMax});
  if (!http) return pass(http, "REGISTRY_URL");
  return std::make_unique<RegistryClient>(context, url, std::move(*http), std::move(hooks));
}

RegistryClient::RegistryClient(const Context& context,
                               std::string url,
                               std::unique_ptr<HttpClient> http,
                               Hooks hooks)
    : context_(context),
      hooks_(std::move(hooks)),
      url_(std::move(url)),
      http_(std::move(http)),
      refusals_(context.pace.refused_ms, context.pace.refused_ms_max),
      timer_(context.loop),
      worker_("registry") {}

RegistryClient::~RegistryClient() {
  *alive_ = false;
  http_->cancel();
}

void RegistryClient::start(std::optional<Topology> known) {
  topology_ = std::move(known);
  beat();
}

void RegistryClient::hurry() {
  if (trouble_) return;
  if (beating_) {
    again_ = true;
  } else {
    beat();
  }
}

void RegistryClient::beat() {
  if (beating_) return;
  const auto report = hooks_.report();
  beating_ = worker_.submit([this, alive = alive_, target = node_target(report.node),
                             body = to_json(report), &loop = context_.loop] {
    auto answer = std::make_shared<Result<HttpAnswer>>(
        http_->exchange({.method = "PUT",
                         .target = target,
                         .headers = {{"content-type", "application/json"}},
                         .body = bytes_of(body),
                         .timeout_ms = kExchangeTimeoutMs,
                         .on_body = nullptr}));
    loop.answer([this, alive, answer] {
      if (*alive) on_answer(std::move(*answer));
    });
  });
  if (!beating_) schedule();
}

void RegistryClient::on_answer(Result<HttpAnswer> answer) {
  beating_ = false;
  if (!answer) {
    on_trouble(answer.error());
  } else if (answer->status != 200) {
    on_trouble(problem_in(*answer, code_of(answer->status)));
  } else {
    on_success(text_of(answer->body));
  }
  if (std::exchange(again_, false)) return beat();
  schedule();
}

void RegistryClient::on_success(std::string_view json) {
  if (!reachable_) context_.logger.info("registry.reached");
  reachable_ = true;
  trouble_.reset();
  refusals_.reset();
  last_error_.clear();
  if (take(json) && hooks_.answered) hooks_.answered(json);
}

// False: nothing of this answer counts.
bool RegistryClient::take(std::string_view json) {
  auto topology = topology_from_json(json);
  if (!topology) {
    context_.logger.warn("topology.refused", {{"error", topology.error().what()}});
    return false;
  }
  if (topology_ && topology->version < topology_->version) {
    context_.logger.warn("topology.refused", {{"error", "older than the one held"},
                                              {"offered", topology->version},
                                              {"held", topology_->version}});
    return false;
  }
  if (topology_ && *topology == *topology_) return true;
  topology_ = std::move(*topology);
  hooks_.changed(*topology_);
  return true;
}

void RegistryClient::on_trouble(const Error& error) {
  reachable_ = false;
  again_ = false;
  last_error_ = error.what();
  const auto trouble = is_refusal(error.code()) ? error.code() : Errc::kUnavailable;
  if (std::exchange(trouble_, trouble) == trouble) return;
  refusals_.reset();
  if (trouble == Errc::kUnavailable) {
    context_.logger.warn("registry.lost", {{"error", error.what()}});
  } else {
    hooks_.refused(error);
  }
}

void RegistryClient::schedule() {
  const auto every = topology_ ? topology_->heartbeat_ms : context_.pace.first_ms;
  const bool refused = trouble_ && is_refusal(*trouble_);
  const auto extra_ms = refused ? refusals_.next_ms(context_.random) : 0;
  timer_.start(every / 2 + context_.random.below(every) + extra_ms, 0, [this] { beat(); });
}

void RegistryClient::say_goodbye(const NodeId& node, const std::string& instance) {
  http_->cancel();  // for good: the last word takes a connection of its own
  auto target = node_target(node) + "?instance=" + percent_encode(instance);
  static_cast<void>(worker_.submit([url = url_, target = std::move(target)] {
    auto http = HttpClient::create({.base_url = url, .connect_timeout_ms = kGoodbyeTimeoutMs});
    if (!http) return;
    static_cast<void>(
        (*http)->exchange({.method = "DELETE", .target = target, .timeout_ms = kGoodbyeTimeoutMs}));
  }));
}

}  // namespace xylem::broker
