// What an HTTP answer says that is no success: a problem document (RFC 9457) with our `code`,
// `detail` and `hint`, as far as it is one.
#pragma once

#include "common/error.h"
#include "common/http_client.h"

namespace xylem {

// `otherwise` is the code of an answer that names none of ours; its text is then the status.
Error problem_in(const HttpAnswer& answer, Errc otherwise = Errc::kUnavailable);

}  // namespace xylem
