#include "cli/commands/rebalance.h"

#include "cli/client_runtime.h"
#include "cli/commands/root_tier.h"
#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "common/timer.h"
#include "common/url.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kLookMs = 500;
constexpr std::int64_t kSilenceMaxMs = 60'000;  // of brokers, once the moves have begun
constexpr auto kPath = "/api/v1/cluster/rebalance";

std::vector<std::int64_t> numbers_at(const Json& object, const char* field) {
  std::vector<std::int64_t> numbers;
  for (const auto& number : list_at(object, field)) {
    if (number.is_number_integer()) numbers.push_back(number.get<std::int64_t>());
  }
  return numbers;
}

std::string joined(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

bool contains(const std::vector<std::int64_t>& numbers, std::int64_t number) {
  return std::ranges::find(numbers, number) != numbers.end();
}

// A broker that does not answer leaves its sizes unknown.
Result<ReplicaSizes> ask_sizes(const AdminBrokers& brokers) {
  auto answer = brokers.get("/api/v1/cluster");
  if (!answer) return pass(answer);
  auto cluster = parse_document(*answer);
  if (!cluster) return pass(cluster);
  ReplicaSizes sizes;
  for (const auto& broker : list_at(*cluster, "brokers")) {
    if (!flag_at(broker, "isAlive")) continue;
    const auto status = http_get(text_at(broker, "pipe"), "/pipe/v1/status");
    if (status) sizes.add(integer_at(broker, "broker"), *status);
  }
  return sizes;
}

std::string plan_path(const RebalanceOptions& options) {
  if (options.targets.empty()) return kPath;
  return std::string(kPath) + "?brokers=" + percent_encode(options.targets);
}

ExitCode show_plan(const RebalanceOptions& options) {
  const auto plan = options.brokers.get(plan_path(options));
  if (!plan) return report(plan.error());
  if (options.json) return finish_with(*plan + "\n");
  auto sizes = ask_sizes(options.brokers);
  if (!sizes) return report(sizes.error());
  const auto text = plan_text(*plan, *sizes);
  if (!text) return report(text.error());
  return finish_with(*text);
}

// Portion after portion.
class Execution {
 public:
  explicit Execution(const RebalanceOptions& options)
      : options_(options), looker_(runtime_.loop()) {}

  ExitCode run() {
    runtime_.on_interrupt([this] { end(ExitCode::kInterrupted); });
    looker_.start(0, kLookMs, [this] {
      const auto done = look();
      if (!done) return missed(done.error());
      is_missing_ = false;
      if (*done) end(finish_with(told(begun_, 0, {})));
    });
    return runtime_.run();
  }

 private:
  // What fails at first is wrong; later a controller may have changed, or a broker be starting.
  void missed(const Error& error) {
    const auto now_ms = runtime_.clock().monotonic_ms();
    if (!begun_ms_ || now_ms - *begun_ms_ > kSilenceMaxMs) return end(report(error));
    if (!std::exchange(is_missing_, true)) complain(error.what() + "; asking again");
  }

  void end(ExitCode code) {
    looker_.stop();
    runtime_.finish(code);
  }

  // True: nothing moves, and nothing is left to move, as one broker says in one answer.
  Result<bool> look() {
    Json order{{"brokers", targets()},
               {"movesMax", options_.moves_max},
               {"bytesPerS", options_.bytes_per_s},
               {"who", operator_name()}};
    auto answer = options_.brokers.post(kPath, order.dump());
    if (!answer) return pass(answer);
    auto portion = parse_document(*answer);
    if (!portion) return pass(portion);
    begun_ms_ = runtime_.clock().monotonic_ms();
    begun_ += integer_at(*portion, "begun");
    const auto waiting = integer_at(*portion, "left");
    if (integer_at(*portion, "moving", -1) == 0 && waiting == 0) return true;
    auto plan = options_.brokers.get(plan_path(options_));
    if (!plan) return pass(plan);
    auto sizes = ask_sizes(options_.brokers);
    if (!sizes) return pass(sizes);
    auto left = moves_left(*plan, *sizes);
    if (!left) return pass(left);
    tell(told(begun_, waiting, *left));
    return false;
  }

  [[nodiscard]] Json targets() const {
    auto numbers = Json::parse("[" + options_.targets + "]", nullptr, false);
    return numbers.is_array() ? numbers : Json();  // null: refused by the broker
  }

  [[nodiscard]] std::string told(std::int64_t begun,
                                 std::int64_t waiting,
                                 const MovesLeft& left) const {
    if (options_.json) {
      return Json{{"begun", begun},
                  {"moving", left.partitions},
                  {"waiting", waiting},
                  {"bytesLeft", left.bytes}}
                 .dump() +
             "\n";
    }
    return std::to_string(begun) + " begun  " + std::to_string(left.partitions) + " moving  " +
           std::to_string(waiting) + " to come  " + human_bytes(left.bytes) + " to copy\n";
  }

  void tell(std::string text) {
    if (text == told_) return;
    told_ = std::move(text);
    if (!write_out(told_) || !flush_out()) runtime_.finish(ExitCode::kOk);
  }

  const RebalanceOptions& options_;
  ClientRuntime runtime_;
  Timer looker_;
  std::int64_t begun_ = 0;
  std::optional<std::int64_t> begun_ms_;  // when a portion was begun last, be it an empty one
  bool is_missing_ = false;               // the last look failed, which was told
  std::string told_;
};

}  // namespace

void ReplicaSizes::add(std::int64_t broker, const std::string& document) {
  const auto node = parse_document(document);
  if (!node) return;
  for (const auto& one : list_at(*node, "topics")) {
    const auto bytes = integer_at(one, "bytes", -1);
    if (bytes >= 0) bytes_[{text_at(one, "name"), integer_at(one, "partition"), broker}] = bytes;
  }
}

std::int64_t ReplicaSizes::of(const std::string& topic,
                              std::int64_t partition,
                              std::int64_t broker) const {
  const auto found = bytes_.find({topic, partition, broker});
  return found == bytes_.end() ? -1 : found->second;
}

std::int64_t ReplicaSizes::largest(const std::string& topic, std::int64_t partition) const {
  std::int64_t largest = -1;
  for (auto each = bytes_.lower_bound({topic, partition, std::numeric_limits<std::int64_t>::min()});
       each != bytes_.end() && std::get<0>(each->first) == topic &&
       std::get<1>(each->first) == partition;
       ++each)
    largest = std::max(largest, each->second);
  return largest;
}

Result<std::string> plan_text(const std::string& document, const ReplicaSizes& sizes) {
  auto plan = parse_document(document);
  if (!plan) return pass(plan);
  const auto moves = list_at(*plan, "moves");
  const auto moving = list_at(*plan, "moving").size();
  Table table({"TOPIC", "PARTITION", "FROM", "TO", "BYTES"});
  std::int64_t all = 0;
  for (const auto& move : moves) {
    const auto topic = text_at(move, "topic");
    const auto partition = integer_at(move, "partition");
    const auto from = numbers_at(move, "from");
    const auto to = numbers_at(move, "to");
    const auto copies = std::ranges::count_if(to, [&](auto one) { return !contains(from, one); });
    const auto size = sizes.largest(topic, partition);
    const auto bytes = copies == 0 ? 0 : size < 0 ? -1 : size * copies;
    all += std::max<std::int64_t>(bytes, 0);
    table.add({topic, std::to_string(partition), joined(from), joined(to),
               bytes < 0 ? "?" : human_bytes(bytes)});
  }
  return (moves.empty() ? std::string() : table.text()) + std::to_string(moves.size()) +
         " partitions to move, " + human_bytes(all) + " to copy; " + std::to_string(moving) +
         " are moving\n";
}

Result<MovesLeft> moves_left(const std::string& document, const ReplicaSizes& sizes) {
  auto plan = parse_document(document);
  if (!plan) return pass(plan);
  MovesLeft left;
  for (const auto& move : list_at(*plan, "moving")) {
    ++left.partitions;
    const auto topic = text_at(move, "topic");
    const auto partition = integer_at(move, "partition");
    const auto whole = sizes.of(topic, partition, integer_at(move, "leader", -1));
    const auto in_sync = numbers_at(move, "inSync");
    for (const auto broker : numbers_at(move, "to")) {
      if (whole < 0 || contains(in_sync, broker)) continue;
      const auto has = std::max<std::int64_t>(sizes.of(topic, partition, broker), 0);
      left.bytes += std::max<std::int64_t>(whole - has, 0);
    }
  }
  return left;
}

ExitCode run_rebalance(const RebalanceOptions& options) {
  if (!options.executes) return show_plan(options);
  Execution execution(options);
  return execution.run();
}

}  // namespace xylem::cli
