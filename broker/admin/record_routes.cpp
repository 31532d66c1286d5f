// GET /api/v1/topics/{name}/records: what a partition holds, page by page; with waitMs as a long
// poll.
#include "broker/admin/admin_api.h"
#include "broker/admin/partition_lookup.h"
#include "broker/admin/record_page.h"
#include "broker/admin/waiting_pages.h"

#include <cstdint>
#include <memory>
#include <utility>

namespace xylem::broker {
namespace {

using network::HttpReplyPtr;
using network::HttpRequest;

constexpr std::int64_t kLimitDefault = 100;
constexpr std::int64_t kLimitMax = 1'000;                  // records
constexpr std::int64_t kPageBytesMax = 4LL * 1024 * 1024;  // of JSON
constexpr std::int64_t kWaitMsMax = 60'000;

Result<RecordPage::Limits> page_limits(const HttpRequest& request) {
  auto records = request.number("limit", kLimitDefault, 1, kLimitMax);
  if (!records) return pass(records);
  auto bytes = request.number("maxBytes", kPageBytesMax, 1, kPageBytesMax);
  if (!bytes) return pass(bytes);
  return RecordPage::Limits{*records, static_cast<std::size_t>(*bytes)};
}

struct Browser {
  explicit Browser(const ClientContext& the_context) : context(the_context), pages(the_context) {}

  void browse(const HttpRequest& request, const HttpReplyPtr& reply) {
    const auto number = request.number("partition", 0, 0, INT32_MAX);
    if (!number) return reply->send_error(number.error());
    const auto limits = page_limits(request);
    if (!limits) return reply->send_error(limits.error());
    const auto wait_ms = request.number("waitMs", 0, 0, kWaitMsMax);
    if (!wait_ms) return reply->send_error(wait_ms.error());
    const auto start = record_start(request);
    if (!start) return reply->send_error(start.error());
    const auto topic = find_topic(context, request.path_args.at("name"));
    if (!topic) return reply->send_error(topic.error());
    const auto partition = find_partition(context, **topic, *number);
    if (!partition) return reply->send_error(partition.error());
    pages.answer({**partition, *start, *limits}, static_cast<std::uint64_t>(*wait_ms), reply);
  }

  const ClientContext& context;
  WaitingPages pages;
};

}  // namespace

void add_record_routes(network::HttpServer& server, AdminContext& context) {
  const auto browser = std::make_shared<Browser>(context.client);
  context.client.partitions.observe([open = std::weak_ptr(browser)](const Partition& moved) {
    if (const auto there = open.lock()) there->pages.on_partition_moved(moved.id());
  });
  server.route(
      "GET", "/api/v1/topics/{name}/records",
      network::with_arguments({"partition", "from", "limit", "maxBytes", "waitMs", "reset"},
                              [browser](const HttpRequest& request, const HttpReplyPtr& reply) {
                                browser->browse(request, reply);
                              }));
}

}  // namespace xylem::broker
