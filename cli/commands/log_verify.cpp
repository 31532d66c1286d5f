#include "cli/commands/log_verify.h"

#include "cli/output.h"
#include "cli/progress.h"
#include "common/clock.h"
#include "storage/disk.h"
#include "storage/repair/data_repair.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

Json json_of(const storage::DataCheck& check) {
  auto faults = Json::array();
  for (const auto& fault : check.faults) {
    faults.push_back({{"kind", to_string(fault.kind)},
                      {"note", fault.is_note()},
                      {"file", fault.file},
                      {"position", fault.position},
                      {"what", fault.what},
                      {"remedy", fault.remedy}});
  }
  return {{"logs", check.logs},
          {"segments", check.segments},
          {"batches", check.batches},
          {"bytes", check.bytes},
          {"faults", std::move(faults)}};
}

void complain_about(const storage::DataCheck& check) {
  for (const auto& fault : check.faults) {
    complain((fault.is_note() ? "note: " : "") + fault.file + " at byte " +
             std::to_string(fault.position) + ": " + fault.what + "; " + fault.remedy);
  }
}

std::string summary_of(const storage::DataCheck& check) {
  std::size_t notes = 0;
  for (const auto& fault : check.faults) notes += fault.is_note() ? 1 : 0;
  return std::to_string(check.logs) + " logs, " + std::to_string(check.segments) + " segments, " +
         std::to_string(check.batches) + " batches, " + human_bytes(check.bytes) + ", " +
         std::to_string(check.faults.size() - notes) + " faults\n";
}

ExitCode verify(const LogOptions& options, const storage::DataCheck& check) {
  if (!options.json) complain_about(check);
  const auto written = finish_with(options.json ? json_of(check).dump() + "\n" : summary_of(check));
  return check.is_good() ? written : ExitCode::kFailed;
}

ExitCode tell_repair(const LogOptions& options, const storage::DataRepair& repair) {
  std::string text;
  if (options.json) {
    auto json = json_of(repair.left);
    json["found"] = json_of(repair.found).at("faults");
    json["done"] = repair.done;
    text = json.dump() + "\n";
  } else {
    for (const auto& line : repair.done) text += line + "\n";
    text += summary_of(repair.left);
    complain_about(repair.left);
  }
  const auto written = finish_with(text);
  return repair.left.is_good() ? written : ExitCode::kFailed;
}

}  // namespace

ExitCode run_log_verify(const LogOptions& options) {
  storage::PosixDisk disk;
  const SystemClock clock;
  auto progress = Progress::on_standard_error(clock);
  std::int64_t batches = 0;
  std::int64_t bytes = 0;
  const storage::CheckProgress count = [&](std::uint64_t more_batches, std::int64_t more_bytes) {
    batches += static_cast<std::int64_t>(more_batches);
    bytes += more_bytes;
    progress.update(batches, bytes);
  };
  if (options.repair) {
    const auto repaired = storage::repair_data(disk, options.data_dir, options.topic, count);
    progress.clear();
    if (repaired) return tell_repair(options, *repaired);
    if (repaired.error().code() != Errc::kAlreadyExists) return report(repaired.error());
    return report(Error(Errc::kUnavailable, repaired.error().what(),
                        "stop the broker that runs there first"));
  }
  const auto checked = storage::check_data(disk, options.data_dir, options.topic, count);
  progress.clear();
  if (!checked) return report(checked.error());
  if (!options.topic.empty() && checked->logs == 0) {
    complain(options.data_dir + " holds no log of topic " + options.topic);
    return ExitCode::kNotFound;
  }
  return verify(options, *checked);
}

}  // namespace xylem::cli
