#include "cli/up/coordinator.h"

#include "cli/commands/root.h"
#include "cli/output.h"
#include "cli/up/endpoints_file.h"
#include "cli/up/ports.h"
#include "storage/disk.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

network::ClientContext with_logger(network::ClientContext context, Logger& logger) {
  return {context.loop, context.network, context.clock, context.random, logger};
}

// What is started together: one after the other, so that the registry knows a tier when the one
// below it asks for parents. The last step needs the topics.
using Roles = std::array<std::string_view, 2>;
constexpr std::array<Roles, 5> kTiers = {
    {{"REGISTRY", "ROOT"}, {"L2"}, {"L3"}, {"POS"}, {"LOCAL"}}};
constexpr Roles kClients = {"PRODUCER", "CONSUMER"};

std::vector<const ProcessSpec*> specs_of(const Plan& plan, const Roles& roles) {
  std::vector<const ProcessSpec*> specs;
  for (const auto& spec : plan.processes) {
    if (std::ranges::find(roles, spec.role) != roles.end()) specs.push_back(&spec);
  }
  return specs;
}

std::vector<std::string> ids_of(const std::vector<const ProcessSpec*>& specs) {
  std::vector<std::string> ids;
  ids.reserve(specs.size());
  for (const auto* spec : specs) ids.push_back(spec->id);
  return ids;
}

}  // namespace

Coordinator::Coordinator(const UpOptions& options, Plan plan, std::string self)
    : options_(options),
      plan_(std::move(plan)),
      logger_(Logger::Options{.file = options.dir + "/log", .node = "up"}),
      supervisor_(with_logger(runtime_.context(), logger_),
                  plan_,
                  std::move(self),
                  [this] { publish_later_.start(0, 0, [this] { publish_endpoints(); }); }),
      console_(runtime_.loop(),
               supervisor_,
               {.registry_url = plan_.registry_url, .quit = [this] { shut_down(ExitCode::kOk); }}),
      readiness_(runtime_.context(), plan_),
      patience_(runtime_.loop()),
      publish_later_(runtime_.loop()),
      started_ms_(runtime_.clock().monotonic_ms()) {}

Coordinator::~Coordinator() = default;

ExitCode Coordinator::run() {
  if (auto prepared = prepare(); !prepared) return report(prepared.error());
  runtime_.on_interrupt([this] { shut_down(ExitCode::kOk); });
  patience_.start(kTellEveryMs, kTellEveryMs, [this] { tell_what_is_missing(); });
  bring_up(0);
  return runtime_.run();
}

Status Coordinator::prepare() {
  storage::PosixDisk disk;
  auto lock = disk.lock(options_.dir + "/up.lock");
  if (!lock && lock.error().code() == Errc::kAlreadyExists)
    return fail(Errc::kAlreadyExists, "another `xylem up` runs on " + options_.dir);
  if (!lock) return pass(lock);
  lock_ = std::move(*lock);
  if (auto there = check_programs(); !there) return there;
  if (auto free = check_ports(plan_); !free) return free;
  std::vector<std::string> root_dirs;
  for (const auto* root : plan_.roots()) root_dirs.push_back(root->settings.at("DATA_DIR"));
  if (auto cluster = init_root_tier(root_dirs); !cluster) return pass(cluster);
  auto socket = ConsoleSocket::open(runtime_.loop(), options_.dir, console_);
  if (!socket) return pass(socket);
  socket_ = std::move(*socket);
  return {};
}

Status Coordinator::check_programs() const {
  for (const auto& spec : plan_.processes) {
    if (access(spec.program.c_str(), X_OK) != 0)
      return fail(Errc::kNotFound, "there is no program " + spec.program);
  }
  return {};
}

void Coordinator::bring_up(std::size_t tier) {
  if (is_stopping_) return;
  if (tier == kTiers.size()) return on_brokers_ready();
  const auto specs = specs_of(plan_, kTiers.at(tier));
  if (specs.empty()) return bring_up(tier + 1);
  supervisor_.start(ids_of(specs), [this, specs, tier] {
    if (!is_stopping_) readiness_.wait_ready(specs, [this, tier] { bring_up(tier + 1); });
  });
}

void Coordinator::on_brokers_ready() {
  readiness_.make_topics([this](const Status& made) {
    if (is_stopping_) return;
    if (!made) return shut_down(report(made.error()));
    readiness_.wait_topics([this] { on_topics_ready(); });
  });
}

void Coordinator::on_topics_ready() {
  if (is_stopping_) return;
  const auto clients = specs_of(plan_, kClients);
  if (clients.empty()) return on_ready();
  supervisor_.start(ids_of(clients), [this] {
    std::vector<const ProcessSpec*> consumers;
    if (const auto* consumer = plan_.find("consumer")) consumers.push_back(consumer);
    if (!is_stopping_) readiness_.wait_ready(consumers, [this] { on_ready(); });
  });
}

void Coordinator::on_ready() {
  if (is_stopping_) return;
  patience_.stop();
  publish_endpoints();
  logger_.info("up.ready", {{"ms", runtime_.clock().monotonic_ms() - started_ms_}});
  if (finish_with("ready\n") != ExitCode::kOk) return shut_down(ExitCode::kFailed);
  if (!options_.with_console) return;
  input_ = std::make_unique<InputFiles>(runtime_.loop(), std::vector<std::string>());
  read_commands();
}

void Coordinator::tell_what_is_missing() {
  std::string missing = readiness_.waiting_for();
  for (const auto& one : supervisor_.processes()) {
    if (one->restarts() > 0 && one->state() != SupervisedProcess::State::kServing)
      missing = one->spec().id + " (see " + one->spec().directory + "/log)";
  }
  complain("waiting for " + (missing.empty() ? "the processes to start" : missing));
  const auto waited_ms = runtime_.clock().monotonic_ms() - started_ms_;
  if (waited_ms >= static_cast<std::int64_t>(kReadyLimitMs)) {
    complain("not ready in time");
    shut_down(ExitCode::kUnavailable);
  }
}

void Coordinator::read_commands() {
  if (isatty(STDIN_FILENO) == 1 && (!write_out("xylem> ") || !flush_out())) return;
  input_->read([this](Result<InputFiles::Piece> piece) {
    const auto take = [this](const InputLine& line) { commands_.emplace_back(line.text); };
    if (!piece || piece->is_file_end) {
      lines_.finish(take);
      is_input_over_ = true;
    } else {
      lines_.feed(piece->text, take);
    }
    run_next_command();
  });
}

void Coordinator::run_next_command() {
  if (is_stopping_) return;
  if (commands_.empty()) return is_input_over_ ? shut_down(ExitCode::kOk) : read_commands();
  const auto line = std::move(commands_.front());
  commands_.pop_front();
  console_.run(line, [this](const Console::Reply& reply) {
    if (write_out(reply.text) && flush_out()) run_next_command();
  });
}

void Coordinator::publish_endpoints() {
  if (auto written = write_endpoints(options_.dir, supervisor_.endpoints()); !written)
    logger_.error("endpoints.failed", {{"error", written.error().what()}});
}

void Coordinator::shut_down(ExitCode code) {
  if (std::exchange(is_stopping_, true)) return;
  patience_.stop();
  supervisor_.stop(supervisor_.ids(), [this, code] {
    publish_endpoints();
    runtime_.finish(code);
  });
}

}  // namespace xylem::cli
