// The tables of the view's file (drawn in view_store.h), for its writing and its reading side.
#pragma once

#include "common/result.h"
#include "common/sqlite.h"
#include "consumer-app/view_store.h"

#include <cstdint>

namespace xylem::consumer_app {

enum CopyRow : std::uint8_t { kCurrentRow = 0, kShadowRow = 1, kDroppedRow = 2 };  // copies.state

// Makes what is missing, also in a file of an earlier version. kUnsupportedVersion: of a later one.
Status create_view_schema(Database& database);

// Every copy that is in use, with its cursors.
Result<Copies> load_copies(Database& database);

}  // namespace xylem::consumer_app
