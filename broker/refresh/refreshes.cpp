#include "broker/refresh/refreshes.h"

namespace xylem::broker {

Result<RefreshStatus> Refreshes::start(const std::string& topic,
                                       const std::string& /*reason*/,
                                       std::optional<std::uint64_t> /*id*/,
                                       const std::string& /*by*/) {
  return fail(Errc::kUnknownTopicOrPartition, "no topic \"" + topic + "\" here");
}

Status Refreshes::abort(std::uint64_t id, const std::string& /*why*/) {
  return fail(Errc::kNotFound, "no refresh " + refresh_id_text(id));
}

std::vector<RefreshStatus> Refreshes::list() const {
  std::vector<RefreshStatus> all;
  for (const auto& [id, status] : all_) all.push_back(status);
  return all;
}

std::optional<RefreshStatus> Refreshes::find(std::uint64_t id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace xylem::broker
