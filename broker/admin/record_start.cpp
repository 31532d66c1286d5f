#include "broker/admin/record_start.h"

#include "storage/partition_log.h"

#include <string>

namespace xylem::broker {
namespace {

using At = RecordStart::At;

std::optional<At> end_of(std::string_view name) {
  if (name == "earliest") return At::kEarliest;
  if (name == "latest") return At::kLatest;
  return std::nullopt;
}

Result<Offset> end_of(At at, const Partition& partition) {
  if (at == At::kEarliest) return partition.log()->start_offset();
  if (partition.knows_committed()) return partition.high_watermark();
  return fail(Errc::kUnavailable,
              "how far \"" + partition.topic() + "\" is committed is not known yet", "retry");
}

}  // namespace

Result<RecordStart> record_start(const network::HttpRequest& request) {
  RecordStart start;
  if (request.query.contains("reset")) {
    start.reset = end_of(request.argument("reset"));
    if (!start.reset) return fail(Errc::kInvalidRequest, "reset must be earliest or latest");
  }
  const auto from = request.argument("from");
  if (const auto end = end_of(from)) {
    start.at = *end;
  } else if (request.query.contains("from")) {
    const auto number = request.number("from", 0, 0, storage::kOffsetMax.value());
    if (!number) {
      return fail(Errc::kInvalidRequest,
                  "from must be an offset (a number from 0), earliest or latest");
    }
    start.at = At::kOffset;
    start.offset = Offset(*number);
  }
  return start;
}

Result<Offset> first_offset(const RecordStart& start, const Partition& partition) {
  if (start.at != At::kOffset) return end_of(start.at, partition);
  const auto oldest = partition.log()->start_offset();
  if (start.offset >= oldest) return start.offset;
  if (start.reset) return end_of(*start.reset, partition);
  return fail(Errc::kOffsetOutOfRange,
              "offset " + std::to_string(start.offset.value()) + " of \"" + partition.topic() +
                  "\" is below the log's start " + std::to_string(oldest.value()),
              "begin there, or say reset=earliest or reset=latest");
}

void send_start_error(const Error& error, const Partition& partition, network::HttpReply& reply) {
  if (error.code() != Errc::kOffsetOutOfRange) return reply.send_error(error);
  reply.send(network::problem(
      error, "\"partition\":" + std::to_string(partition.id().partition.value()) +
                 ",\"start\":" + std::to_string(partition.log()->start_offset().value()) +
                 ",\"highWatermark\":" + std::to_string(partition.high_watermark().value())));
}

}  // namespace xylem::broker
