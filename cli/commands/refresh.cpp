#include "cli/commands/refresh.h"

#include "cli/admin_http.h"
#include "cli/client_runtime.h"
#include "cli/commands/refresh_picture.h"
#include "cli/commands/root_tier.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "common/timer.h"
#include "common/url.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Action = RefreshOptions::Action;

constexpr auto kPath = "/api/v1/refreshes";
constexpr std::uint64_t kLookMs = 500;
constexpr std::int64_t kSilenceMaxMs = 60'000;  // of a registry that is being waited for

const std::string& url_of(const RefreshOptions& options) {
  return options.broker_url.empty() ? options.registry_url : options.broker_url;
}

std::string path_of(const std::string& id) { return "/api/v1/refreshes/" + percent_encode(id); }

ExitCode show(const RefreshOptions& options, const std::string& document) {
  if (options.json) return finish_with(document + "\n");
  const SystemClock clock;
  const auto text = options.action == Action::kList ? refresh_list_text(document, clock.wall_ms())
                                                    : refresh_text(document, clock.wall_ms());
  if (!text) return report(text.error());
  return finish_with(*text);
}

// Looks until it has ended.
class Waiting {
 public:
  Waiting(const RefreshOptions& options, std::string id)
      : options_(options),
        id_(std::move(id)),
        looker_(runtime_.loop()),
        progress_(Progress::on_standard_error(runtime_.clock())),
        heard_ms_(runtime_.clock().monotonic_ms()) {}

  ExitCode run() {
    runtime_.on_interrupt([this] {
      progress_.clear();
      complain("the refresh goes on; xylem refresh stop " + id_ + " ends it");
      runtime_.finish(ExitCode::kInterrupted);
    });
    looker_.start(0, kLookMs, [this] { look(); });
    return runtime_.run();
  }

 private:
  void look() {
    const auto answer = http_get(url_of(options_), path_of(id_));
    if (!answer) return missed(answer.error());
    heard_ms_ = runtime_.clock().monotonic_ms();
    const auto looked = refresh_look(*answer);
    if (!looked) return end(report(looked.error()));
    if (!looked->end) return progress_.say(looked->line);
    progress_.clear();
    const auto shown = show(options_, *answer);
    end(shown == ExitCode::kOk ? *looked->end : shown);
  }

  // A registry that is started again goes on with it.
  void missed(const Error& error) {
    const auto silent_ms = runtime_.clock().monotonic_ms() - heard_ms_;
    const bool passes = error.code() == Errc::kUnavailable || error.code() == Errc::kTimeout ||
                        error.code() == Errc::kIo;
    if (!passes || silent_ms > kSilenceMaxMs) return end(report(error));
    progress_.say("nobody answers; asking again");
  }

  void end(ExitCode code) {
    looker_.stop();
    progress_.clear();
    runtime_.finish(code);
  }

  const RefreshOptions& options_;
  std::string id_;
  ClientRuntime runtime_;
  Timer looker_;
  Progress progress_;
  std::int64_t heard_ms_;
};

ExitCode start(const RefreshOptions& options) {
  const auto answer = http_post(url_of(options), kPath, refresh_request(options, operator_name()));
  if (!answer) return report(answer.error());
  const auto begun = refresh_look(*answer);
  if (!begun) return report(begun.error());
  if (options.waits) return Waiting(options, begun->id).run();
  return show(options, *answer);
}

ExitCode stop(const RefreshOptions& options) {
  if (options.broker_url.empty()) {
    const Json body{{"who", operator_name()}, {"reason", options.reason}};
    const auto answer = http_post(url_of(options), path_of(options.id) + "/stop", body.dump());
    if (!answer) return report(answer.error());
    return show(options, *answer);
  }
  const auto stopped = http_delete(url_of(options), path_of(options.id));
  if (!stopped) return report(stopped.error());
  const auto answer = http_get(url_of(options), path_of(options.id));
  if (!answer) return report(answer.error());
  return show(options, *answer);
}

std::string look_at(const RefreshOptions& options) {
  if (options.action == Action::kList) return kPath;
  if (!options.broker_url.empty()) return path_of(options.id);
  auto path = path_of(options.id) + "?limit=2000";
  if (!options.state.empty()) path += "&state=" + percent_encode(options.state);
  return path;
}

}  // namespace

std::string refresh_request(const RefreshOptions& options, const std::string& who) {
  Json json{{"topic", options.topic}, {"reason", options.reason}};
  json[options.broker_url.empty() ? "who" : "by"] = who;
  if (!options.broker_url.empty()) return json.dump();
  json["wave"] = {{"nodes", options.wave_nodes}};
  json["maxFailures"] = options.failures_max;
  if (options.fleet) json["scope"]["fleet"] = true;
  if (!options.node.empty()) json["scope"]["node"] = options.node;
  if (!options.subtree.empty()) json["scope"]["subtree"] = options.subtree;
  return json.dump();
}

ExitCode run_refresh(const RefreshOptions& options) {
  if (options.action == Action::kStart) return start(options);
  if (options.action == Action::kStop) return stop(options);
  const auto answer = http_get(url_of(options), look_at(options));
  if (!answer) return report(answer.error());
  return show(options, *answer);
}

}  // namespace xylem::cli
