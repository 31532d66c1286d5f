// Opens the view's file. One that is damaged is set aside as <path>.damaged, where the last one
// stays to be looked at, and a new one is begun: what it held is made again (rebuild.h).
//
// Nobody else may have the file open. Errors: kIo, kDiskFull, kUnsupportedVersion.
#pragma once

#include "common/logger.h"
#include "common/result.h"
#include "consumer-app/view_store.h"

#include <memory>
#include <string>

namespace xylem::consumer_app {

Result<std::unique_ptr<ViewStore>> open_view(const std::string& path,
                                             const ViewStore::Options& options,
                                             Logger& logger);

// For a file that turned out to be damaged while it was used.
Status set_view_aside(const std::string& path, storage::Disk& disk);

}  // namespace xylem::consumer_app
