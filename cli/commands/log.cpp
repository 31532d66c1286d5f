#include "cli/commands/log.h"

#include "cli/commands/log_verify.h"
#include "cli/output.h"
#include "storage/disk.h"
#include "storage/inspect/log_inspect.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

std::string partition_text(const storage::LogDigest& log) {
  return std::to_string(log.name.id.partition.value());
}

// The contract of `log dump --digest`: one line a log, fields separated by one space.
std::string digest_lines(const storage::LogInspection& found) {
  std::string text;
  for (const auto& log : found.logs) {
    text += log.name.topic + " " + log.name.id.incarnation.topic.text() + " " +
            partition_text(log) + " " + std::to_string(log.first.value()) + " " +
            std::to_string(log.end.value()) + " " + std::to_string(log.batches) + " " + log.sha256 +
            "\n";
  }
  return text;
}

std::string table_text(const storage::LogInspection& found) {
  Table table({"TOPIC", "ID", "PARTITION", "FIRST", "END", "BATCHES", "SHA-256"});
  for (const auto& log : found.logs) {
    table.add({log.name.topic, log.name.id.incarnation.topic.text(), partition_text(log),
               std::to_string(log.first.value()), std::to_string(log.end.value()),
               std::to_string(log.batches), log.sha256.substr(0, 16)});
  }
  return table.text();
}

std::string json_text(const storage::LogInspection& found) {
  auto logs = Json::array();
  for (const auto& log : found.logs) {
    logs.push_back({{"topic", log.name.topic},
                    {"topicId", log.name.id.incarnation.topic.text()},
                    {"generation", log.name.id.incarnation.generation},
                    {"partition", log.name.id.partition.value()},
                    {"first", log.first.value()},
                    {"end", log.end.value()},
                    {"batches", log.batches},
                    {"sha256", log.sha256}});
  }
  auto faults = Json::array();
  for (const auto& fault : found.faults)
    faults.push_back({{"file", fault.file}, {"position", fault.position}, {"what", fault.what}});
  return Json{{"logs", std::move(logs)}, {"faults", std::move(faults)}}.dump() + "\n";
}

void complain_about(const storage::LogInspection& found) {
  for (const auto& fault : found.faults)
    complain(fault.file + " at byte " + std::to_string(fault.position) + ": " + fault.what);
}

}  // namespace

ExitCode run_log(const LogOptions& options) {
  if (options.action == LogOptions::Action::kVerify) return run_log_verify(options);
  storage::PosixDisk disk;
  const auto found = storage::inspect_logs(disk, options.data_dir, options.topic);
  if (!found) return report(found.error());
  if (!options.topic.empty() && found->logs.empty() && found->faults.empty()) {
    complain(options.data_dir + " holds no log of topic " + options.topic);
    return ExitCode::kNotFound;
  }
  complain_about(*found);
  std::string text;
  if (options.json) {
    text = json_text(*found);
  } else {
    text = options.digest ? digest_lines(*found) : table_text(*found);
  }
  const auto written = finish_with(text);
  return found->faults.empty() ? written : ExitCode::kFailed;
}

}  // namespace xylem::cli
