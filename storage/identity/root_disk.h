// Whether a root broker may use a disk as it is meant to: alone, or as one of several.
//
// What a broker kept alone no quorum knows of, nor the other way round; so neither kind of disk is
// ever taken for the other. A member's disk has <data>/quorum and <data>/disk.json; without the
// first it knows nothing of what it voted.
//
// Errors: kInvalidRequest, with what to do; kIo.
#pragma once

#include "common/result.h"
#include "storage/disk.h"

#include <string>

namespace xylem::storage {

Status check_root_disk(Disk& disk, const std::string& data_dir, bool is_alone);

}  // namespace xylem::storage
