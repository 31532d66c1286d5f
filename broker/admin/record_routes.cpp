// GET /api/v1/topics/{name}/records: browsing what a partition holds.
#include "broker/admin/admin_api.h"
#include "common/batch/record_json.h"

#include <string>

namespace xylem::broker {
namespace {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

constexpr std::int64_t kLimitDefault = 100;
constexpr std::int64_t kLimitMax = 1'000;                    // records
constexpr std::size_t kAnswerBytesMax = 4ULL * 1024 * 1024;  // about
constexpr std::size_t kReadBytes = 256ULL * 1024;

// Collects records from a cursor until a limit is reached.
class Page {
 public:
  Page(const Partition& partition, Offset from, std::int64_t limit)
      : partition_(partition), next_(from), left_(limit) {}

  Status fill() {
    while (!is_full() && next_ < partition_.high_watermark()) {
      const auto read = partition_.log()->read(next_, kReadBytes, partition_.high_watermark());
      if (!read) return std::unexpected(read.error());
      if (read->slices.empty()) break;
      for (const auto& slice : read->slices) {
        if (auto taken = take(slice.bytes); !taken) return taken;
      }
      if (!is_full()) next_ = read->next;
    }
    return {};
  }

  [[nodiscard]] std::string json() const {
    return "{\"records\":[" + records_ + "],\"next\":" + std::to_string(next_.value()) +
           ",\"start\":" + std::to_string(partition_.log()->start_offset().value()) +
           ",\"highWatermark\":" + std::to_string(partition_.high_watermark().value()) + "}";
  }

 private:
  [[nodiscard]] bool is_full() const { return left_ <= 0 || records_.size() >= kAnswerBytesMax; }

  Status take(Bytes batches) {
    while (!batches.empty() && !is_full()) {
      const auto header = check_batch(batches);
      if (!header) return std::unexpected(header.error());
      if (auto taken = take_batch(*header, batches.first(header->bytes)); !taken) return taken;
      batches = batches.subspan(header->bytes);
    }
    return {};
  }

  Status take_batch(const BatchHeader& header, Bytes batch) {
    auto reader = BatchReader::open(batch);
    if (!reader) return std::unexpected(reader.error());
    while (auto record = reader->next()) {
      if (!*record) return std::unexpected(record->error());
      if ((*record)->offset < next_) continue;
      if (is_full()) return {};
      if (!records_.empty()) records_ += ',';
      records_ += record_json(partition_.topic(), partition_.id().partition, header, **record);
      next_ = (*record)->offset + 1;
      --left_;
    }
    return {};
  }

  const Partition& partition_;
  Offset next_;
  std::int64_t left_;
  std::string records_;
};

void browse(const ClientContext& client, const HttpRequest& request, const HttpReplyPtr& reply) {
  const auto& name = request.path_args.at("name");
  const auto number = request.number("partition", 0, 0, INT32_MAX);
  if (!number) return reply->send_error(number.error());
  const auto limit = request.number("limit", kLimitDefault, 1, kLimitMax);
  if (!limit) return reply->send_error(limit.error());
  const auto* topic = client.topics.find(name);
  const auto* partition =
      topic == nullptr ? nullptr
                       : client.partitions.find(topic->log(static_cast<std::int32_t>(*number)));
  if (partition == nullptr) {
    return reply->send_error(
        Error(Errc::kUnknownTopicOrPartition,
              "no partition " + std::to_string(*number) + " of topic \"" + name + "\" here"));
  }
  const auto start = partition->log()->start_offset().value();
  const auto from = request.number("from", start, 0, INT64_MAX);
  if (!from) return reply->send_error(from.error());
  Page page(*partition, Offset(*from), *limit);
  if (const auto filled = page.fill(); !filled) return reply->send_error(filled.error());
  reply->send(HttpResponse::json(200, page.json()));
}

}  // namespace

void add_record_routes(network::HttpServer& server, AdminContext& context) {
  auto& client = context.client;
  server.route(
      "GET", "/api/v1/topics/{name}/records",
      network::with_arguments({"partition", "from", "limit"},
                              [&client](const HttpRequest& request, const HttpReplyPtr& reply) {
                                browse(client, request, reply);
                              }));
}

}  // namespace xylem::broker
