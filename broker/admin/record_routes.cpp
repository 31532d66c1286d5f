// GET /api/v1/topics/{name}/records: browsing what a partition holds.
//
// The loop does not wait for the disk: a page ends before records that must be brought in; one that
// has none before them waits for the first.
#include "broker/admin/admin_api.h"
#include "common/batch/record_json.h"
#include "common/timer.h"

#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <utility>

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
  Page(const LogId& log, Offset from, std::int64_t limit) : log_(log), next_(from), left_(limit) {}

  [[nodiscard]] const LogId& log() const { return log_; }

  // False: it is empty until the disk has brought in what is next.
  Result<bool> fill(const Partition& partition) {
    while (!is_full() && next_ < partition.high_watermark()) {
      const auto warm = partition.log()->warm_up(next_, kReadBytes);
      if (!warm) return std::unexpected(warm.error());
      if (!*warm) return !records_.empty();
      const auto read = partition.log()->read(next_, kReadBytes, partition.high_watermark());
      if (!read) return std::unexpected(read.error());
      if (read->slices.empty()) break;
      for (const auto& slice : read->slices) {
        if (auto taken = take(slice.bytes, partition.topic()); !taken)
          return std::unexpected(taken.error());
      }
      if (!is_full()) next_ = read->next;
    }
    return true;
  }

  [[nodiscard]] std::string json(const Partition& partition) const {
    return "{\"records\":[" + records_ + "],\"next\":" + std::to_string(next_.value()) +
           ",\"start\":" + std::to_string(partition.log()->start_offset().value()) +
           ",\"highWatermark\":" + std::to_string(partition.high_watermark().value()) + "}";
  }

 private:
  [[nodiscard]] bool is_full() const { return left_ <= 0 || records_.size() >= kAnswerBytesMax; }

  Status take(Bytes batches, const std::string& topic) {
    while (!batches.empty() && !is_full()) {
      const auto header = check_batch(batches);
      if (!header) return std::unexpected(header.error());
      if (auto taken = take_batch(*header, batches.first(header->bytes), topic); !taken)
        return taken;
      batches = batches.subspan(header->bytes);
    }
    return {};
  }

  Status take_batch(const BatchHeader& header, Bytes batch, const std::string& topic) {
    auto reader = BatchReader::open(batch);
    if (!reader) return std::unexpected(reader.error());
    while (auto record = reader->next()) {
      if (!*record) return std::unexpected(record->error());
      if ((*record)->offset < next_) continue;
      if (is_full()) return {};
      if (!records_.empty()) records_ += ',';
      records_ += record_json(topic, log_.partition, header, **record);
      next_ = (*record)->offset + 1;
      --left_;
    }
    return {};
  }

  LogId log_;
  Offset next_;
  std::int64_t left_;
  std::string records_;
};

class RecordBrowser {
 public:
  static constexpr std::size_t kWaitingMax = 100;
  static constexpr std::uint64_t kWaitMs = 10'000;

  explicit RecordBrowser(const ClientContext& client) : client_(client) {}

  void browse(const HttpRequest& request, const HttpReplyPtr& reply) {
    const auto& name = request.path_args.at("name");
    const auto number = request.number("partition", 0, 0, INT32_MAX);
    if (!number) return reply->send_error(number.error());
    const auto limit = request.number("limit", kLimitDefault, 1, kLimitMax);
    if (!limit) return reply->send_error(limit.error());
    const auto* topic = client_.topics.find(name);
    const auto* partition =
        topic == nullptr ? nullptr
                         : client_.partitions.find(topic->log(static_cast<std::int32_t>(*number)));
    if (partition == nullptr) {
      return reply->send_error(
          Error(Errc::kUnknownTopicOrPartition,
                "no partition " + std::to_string(*number) + " of topic \"" + name + "\" here"));
    }
    const auto start = partition->log()->start_offset().value();
    const auto from = request.number("from", start, 0, INT64_MAX);
    if (!from) return reply->send_error(from.error());
    Page page(partition->id(), Offset(*from), *limit);
    if (!answer(page, reply)) wait(std::move(page), reply);
  }

  void on_partition_moved(const LogId& log) {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
      const auto current = next++;
      if (current->page.log() == log && answer(current->page, current->reply))
        waiting_.erase(current);
    }
  }

 private:
  struct Waiting {
    Page page;
    HttpReplyPtr reply;
    std::unique_ptr<Timer> timer;
  };

  // False: the page waits for the disk.
  bool answer(Page& page, const HttpReplyPtr& reply) const {
    const auto* partition = client_.partitions.find(page.log());
    if (partition == nullptr) {
      reply->send_error(Error(Errc::kUnknownTopicOrPartition, "the topic was deleted"));
      return true;
    }
    const auto ready = page.fill(*partition);
    if (ready && !*ready) return false;
    if (ready)
      reply->send(HttpResponse::json(200, page.json(*partition)));
    else
      reply->send_error(ready.error());
    return true;
  }

  void wait(Page page, const HttpReplyPtr& reply) {
    if (waiting_.size() >= kWaitingMax)
      return reply->send_error(Error(Errc::kQuotaExceeded, "too many pages wait for the disk"));
    waiting_.push_back({std::move(page), reply, std::make_unique<Timer>(client_.loop)});
    const auto waits = std::prev(waiting_.end());
    reply->on_gone([this, waits] { waiting_.erase(waits); });
    waits->timer->start(kWaitMs, 0, [this, waits] {
      const auto ended = std::move(*waits);
      waiting_.erase(waits);
      ended.reply->send_error(Error(Errc::kTimeout, "the disk has not brought it in yet", "retry"));
    });
  }

  const ClientContext& client_;
  std::list<Waiting> waiting_;
};

}  // namespace

void add_record_routes(network::HttpServer& server, AdminContext& context) {
  const auto browser = std::make_shared<RecordBrowser>(context.client);
  context.client.partitions.observe([open = std::weak_ptr(browser)](const Partition& moved) {
    if (const auto there = open.lock()) there->on_partition_moved(moved.id());
  });
  server.route(
      "GET", "/api/v1/topics/{name}/records",
      network::with_arguments({"partition", "from", "limit"},
                              [browser](const HttpRequest& request, const HttpReplyPtr& reply) {
                                browser->browse(request, reply);
                              }));
}

}  // namespace xylem::broker
