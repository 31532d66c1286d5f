#include "registry/refresh/refresh_document.h"

#include "registry/refresh/refresh_scope.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace xylem::registry {
namespace {

using Json = nlohmann::ordered_json;
using Counts = std::array<std::int64_t, kJobNodeStateCount>;

constexpr std::array<const char*, kJobNodeStateCount> kCountNames{
    "waiting", "ordered", "running", "completed", "aborted", "away", "notBegun"};

std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json counts_object(const Counts& counts) {
  Json object;
  std::int64_t total = 0;
  for (const auto count : counts) total += count;
  object["total"] = total;
  for (std::size_t i = 0; i < counts.size(); ++i) object[kCountNames.at(i)] = counts.at(i);
  return object;
}

Json scope_object(const RefreshScope& scope) {
  const std::string kind(to_string(scope.kind));
  if (scope.kind == RefreshScope::Kind::kFleet) return {{kind, true}};
  return {{kind, scope.node}};
}

Json job_object(const RefreshJob& job) {
  const auto& record = job.record();
  Counts counts{};
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts.at(i) = static_cast<std::int64_t>(job.count(static_cast<JobNodeState>(i)));
  return {{"id", refresh_id_text(record.id)},
          {"topic", record.topic},
          {"scope", scope_object(record.scope)},
          {"wave", {{"nodes", record.wave_nodes}}},
          {"maxFailures", record.failures_max},
          {"reason", record.reason},
          {"who", record.who},
          {"state", to_string(record.state)},
          {"why", record.why},
          {"startedAt", record.started_at_ms},
          {"endedAt", record.ended_at_ms == 0 ? Json() : Json(record.ended_at_ms)},
          {"waves", {{"total", job.waves()}, {"begun", job.wave()}}},
          {"lastRound", record.is_last_round},
          {"nodes", counts_object(counts)}};
}

Json node_object(const JobNode& node) {
  const auto& progress = node.progress;
  const bool has_said = progress.id.value() != 0;
  return {{"nodeId", node.id},
          {"tier", to_string(tier_of_level(node.level))},
          {"wave", node.wave},
          {"state", to_string(node.state)},
          {"phase", has_said ? Json(to_string(progress.phase)) : Json()},
          {"consumers",
           {{"total", progress.consumers},
            {"reset", progress.consumers_reset},
            {"ready", progress.consumers_ready}}},
          {"replayed", progress.replayed},
          {"toReplay", progress.to_replay},
          {"failure", node.failure}};
}

std::string_view wave_state(const Counts& counts, bool has_begun) {
  const auto at = [&](JobNodeState state) { return counts.at(static_cast<std::size_t>(state)); };
  if (at(JobNodeState::kOrdered) + at(JobNodeState::kRunning) > 0) return "RUNNING";
  if (at(JobNodeState::kWaiting) > 0) return has_begun ? "RUNNING" : "WAITING";
  return "ENDED";
}

// With all their nodes, also those of other pages.
Json wave_objects(const RefreshJob& job, const std::map<std::int32_t, std::string_view>& tiers) {
  std::map<std::int32_t, Counts> counts;
  for (const auto& node : job.nodes())
    if (tiers.contains(node.wave)) ++counts[node.wave].at(static_cast<std::size_t>(node.state));
  auto waves = Json::array();
  for (const auto& [wave, tier] : tiers)
    waves.push_back({{"wave", wave},
                     {"tier", tier},
                     {"state", wave_state(counts[wave], wave <= job.wave())},
                     {"nodes", counts_object(counts[wave])}});
  return waves;
}

Json page_object(const RefreshJob& job, const RefreshPage& page) {
  auto nodes = Json::array();
  std::map<std::int32_t, std::string_view> tiers;
  std::int64_t position = 0;
  for (const auto& node : job.nodes()) {
    if (page.state && node.state != *page.state) continue;
    const auto at = position++;
    if (at < page.from || at - page.from >= page.limit) continue;
    nodes.push_back(node_object(node));
    tiers.emplace(node.wave, to_string(tier_of_level(node.level)));
  }
  const bool has_more = position > page.from && position - page.from > page.limit;
  return {{"from", page.from},
          {"total", position},
          {"next", has_more ? Json(page.from + page.limit) : Json()},
          {"waves", wave_objects(job, tiers)},
          {"nodes", std::move(nodes)}};
}

}  // namespace

std::string refresh_document(const RefreshJob& job) { return text(job_object(job)); }

std::string refresh_document(const RefreshJob& job, const RefreshPage& page) {
  auto json = job_object(job);
  json["page"] = page_object(job, page);
  return text(json);
}

Result<std::string> refresh_list_document(const RefreshJobs& jobs,
                                          std::optional<RefreshId> after,
                                          std::int64_t limit) {
  const auto all = jobs.list();
  auto from = all.begin();
  if (after) {
    from = std::ranges::find(all, *after, [](const auto* job) { return job->record().id; });
    if (from == all.end()) return fail(Errc::kNotFound, "no refresh " + refresh_id_text(*after));
    ++from;
  }
  auto refreshes = Json::array();
  for (; from != all.end() && std::cmp_less(refreshes.size(), limit); ++from)
    refreshes.push_back(job_object(**from));
  const bool has_more = from != all.end() && !refreshes.empty();
  Json json{{"refreshes", std::move(refreshes)}};
  json["next"] = has_more ? json["refreshes"].back()["id"] : Json();
  return text(json);
}

}  // namespace xylem::registry
