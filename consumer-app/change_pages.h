// What readers of changes are sent, made from the log and from the view:
//
//   id: <position after it>
//   event: change
//   data: {"type":"MESSAGE"|"DELETE", and what record_json.h has}
//
// A record without a key changes nothing in the view and is left out, as one whose key does not
// begin with the prefix.
//
// Limits: a page ends with the event that passes kChangePageBytes, or after about
// kChangeScanBytes of the log. Threads: any; a ViewReader by one at a time.
// Errors: kNotFound: the copy is no longer the current one; kOffsetOutOfRange, kCorrupt, kIo.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "consumer-app/change_cursor.h"
#include "consumer-app/view_reader.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::consumer_app {

inline constexpr std::size_t kChangePageBytes = 128ULL * 1024;
inline constexpr std::size_t kChangeScanBytes = 4ULL * 1024 * 1024;

struct LogPage {
  Buffer events;
  Offset next;
};

Result<LogPage> read_log_page(const ReadLog& step, std::string_view prefix);

struct CopyPage {
  Buffer events;
  std::optional<std::string> last_key;
  bool is_last = false;
};

Result<CopyPage> read_copy_page(ViewReader& view, const ReadCopy& step, std::string_view prefix);

}  // namespace xylem::consumer_app
