#include "cli/up/supervisor.h"

#include "common/check.h"
#include "common/config.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::cli {
namespace {

// Ours, without our own settings: a broker refuses those it does not know.
std::map<std::string, std::string> environment_of_children() {
  auto environment = process_environment();
  std::erase_if(environment, [](const auto& one) { return one.first.starts_with("XYLEM_"); });
  return environment;
}

}  // namespace

Supervisor::Supervisor(const network::ClientContext& context,
                       const Plan& plan,
                       std::string self,
                       std::function<void()> changed)
    : settings_{.self = std::move(self),
                .environment = environment_of_children(),
                .changed = std::move(changed)} {
  for (const auto& spec : plan.processes)
    processes_.push_back(std::make_unique<SupervisedProcess>(context, spec, settings_));
}

void Supervisor::start(const std::vector<std::string>& ids, const Done& done) {
  for (const auto& id : ids) process(id).start();
  when_settled(ids, done);
}

void Supervisor::stop(const std::vector<std::string>& ids, const Done& done) {
  for (const auto& id : ids) process(id).stop();
  when_settled(ids, done);
}

void Supervisor::when_settled(const std::vector<std::string>& ids, const Done& done) {
  XYLEM_CHECK(!ids.empty());
  auto left = std::make_shared<std::size_t>(ids.size());
  for (const auto& id : ids) {
    process(id).when_settled([left, done] {
      if (--*left == 0) done();
    });
  }
}

std::vector<std::string> Supervisor::ids() const {
  std::vector<std::string> ids;
  ids.reserve(processes_.size());
  for (const auto& one : processes_) ids.push_back(one->spec().id);
  return ids;
}

const SupervisedProcess* Supervisor::find(std::string_view id) const {
  const auto found =
      std::ranges::find_if(processes_, [id](const auto& one) { return one->spec().id == id; });
  return found == processes_.end() ? nullptr : found->get();
}

SupervisedProcess& Supervisor::process(std::string_view id) {
  const auto found =
      std::ranges::find_if(processes_, [id](const auto& one) { return one->spec().id == id; });
  XYLEM_CHECK(found != processes_.end());
  return **found;
}

std::vector<Endpoint> Supervisor::endpoints() const {
  std::vector<Endpoint> endpoints;
  endpoints.reserve(processes_.size());
  for (const auto& one : processes_) {
    const auto& spec = one->spec();
    endpoints.push_back({.id = spec.id,
                         .role = spec.role,
                         .pid = one->pid(),
                         .tcp = spec.tcp ? spec.tcp->text() : "",
                         .http = spec.http ? spec.http->text() : ""});
  }
  return endpoints;
}

}  // namespace xylem::cli
