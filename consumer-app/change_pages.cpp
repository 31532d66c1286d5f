#include "consumer-app/change_pages.h"

#include "common/batch/record_json.h"
#include "consumer-app/answers.h"
#include "consumer-app/record_walk.h"
#include "network/http/http_server.h"

namespace xylem::consumer_app {
namespace {

// `record` is an object.
void append_change(std::string_view type,
                   std::string_view record,
                   std::string_view position,
                   Buffer& out) {
  std::string data = R"({"type":")";
  data += type;
  data += "\",";
  data += record.substr(1);
  append(network::sse_event("change", data, position).bytes, out);
}

}  // namespace

Result<LogPage> read_log_page(const ReadLog& step, std::string_view prefix) {
  LogPage page;
  auto next = walk_log(*step.log, {step.from, step.to, kChangeScanBytes},
                       [&](const auto& header, const auto& record) {
                         if (!record.key || !text_of(*record.key).starts_with(prefix)) return true;
                         append_change(record.is_tombstone() ? "DELETE" : "MESSAGE",
                                       record_json(step.topic, step.partition, header, record),
                                       step.position.at(record.offset + 1), page.events);
                         return page.events.size() < kChangePageBytes;
                       });
  if (!next) return pass(next);
  page.next = *next;
  return page;
}

Result<CopyPage> read_copy_page(ViewReader& view, const ReadCopy& step, std::string_view prefix) {
  CopyPage page;
  auto walked = view.walk(
      {.topic = step.topic, .tag = step.tag, .prefix = prefix, .after = step.after},
      [&](std::string_view key, const Entry& entry) {
        append_change("MESSAGE", entry_json(step.topic, key, entry), step.position, page.events);
        page.last_key = key;
        return page.events.size() < kChangePageBytes;
      });
  if (!walked) return pass(walked);
  page.is_last = *walked;
  return page;
}

}  // namespace xylem::consumer_app
