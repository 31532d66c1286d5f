// The dashboard at `/`, what it loads, and the OpenAPI document.
//
// Files under /assets/ have a hash in their name and may be kept for ever; the page itself is asked
// for again each time and answered 304 by its etag.
//
// Threads: the loop's.
#pragma once

#include "registry/routes.h"

namespace xylem::registry {

void add_pages(Routes& routes);

}  // namespace xylem::registry
