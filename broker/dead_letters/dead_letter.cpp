#include "broker/dead_letters/dead_letter.h"

#include "common/batch/batch_builder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::string_view kPrefix = "xylem-dlq-";

// What says which record it is.
std::array<std::pair<std::string, std::string>, 5> source_of(const GroupPartition& where,
                                                             const DeliveryCount& count,
                                                             Epoch epoch) {
  const std::string prefix(kPrefix);
  return {{{prefix + "topic", where.topic},
           {prefix + "partition", std::to_string(where.partition.value())},
           {prefix + "offset", std::to_string(count.offset.value())},
           {prefix + "epoch", std::to_string(epoch.value())},
           {prefix + "group", where.group}}};
}

// The next part that can be done without; empty: there is none.
std::string_view leave_out(Record& record) {
  if (std::exchange(record.value, std::nullopt)) return "value";
  if (!std::exchange(record.headers, {}).empty()) return "headers";
  if (std::exchange(record.key, std::nullopt)) return "key";
  return {};
}

}  // namespace

Record dead_letter(Record record,
                   Epoch epoch,
                   const GroupPartition& where,
                   const DeliveryCount& count,
                   std::int64_t now_ms,
                   const std::string& left_out) {
  const std::string prefix(kPrefix);
  std::vector<std::pair<std::string, std::string>> added;
  for (auto& one : source_of(where, count, epoch)) added.push_back(std::move(one));
  added.emplace_back(prefix + "reason", count.reason);
  added.emplace_back(prefix + "deliveries", std::to_string(count.failures));
  added.emplace_back(prefix + "time", std::to_string(now_ms));
  if (!left_out.empty()) added.emplace_back(prefix + "left-out", left_out);
  std::erase_if(record.headers, [](const auto& one) { return one.first.starts_with(kPrefix); });
  record.headers.resize(std::min(record.headers.size(), kRecordHeadersMax - added.size()));
  for (auto& [name, value] : added) record.headers.emplace_back(std::move(name), std::move(value));
  return record;
}

Result<Buffer> dead_letter_batch(Record record,
                                 Epoch epoch,
                                 const GroupPartition& where,
                                 const DeliveryCount& count,
                                 std::int64_t now_ms) {
  std::string left_out;
  for (;;) {
    BatchBuilder builder;
    auto added = builder.add(dead_letter(record, epoch, where, count, now_ms, left_out));
    if (added) return builder.build();
    if (added.error().code() != Errc::kMessageTooLarge) return pass(added);
    const auto less = leave_out(record);
    if (less.empty()) return pass(added);
    left_out += (left_out.empty() ? "" : ",") + std::string(less);
  }
}

bool is_dead_letter_of(const RecordView& letter,
                       const GroupPartition& where,
                       const DeliveryCount& count,
                       Epoch epoch) {
  return std::ranges::all_of(source_of(where, count, epoch), [&](const auto& wanted) {
    return std::ranges::any_of(letter.headers, [&](const HeaderView& header) {
      return header.key == wanted.first && header.value && text_of(*header.value) == wanted.second;
    });
  });
}

}  // namespace xylem::broker
