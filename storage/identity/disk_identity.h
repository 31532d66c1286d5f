// Which disk this is, and whether it was stopped cleanly: <data>/disk.json,
// {"clean":true|false,"diskId":"<32 hex>"}.
//
// A replica that comes back on the disk that the cluster has on record may still be in sync; on any
// other disk it is not, whatever its name. The file says clean:false as long as the data directory
// is in use, so that it says so after a crash, too.
//
// Durable on return. Errors: kCorrupt (unreadable file), kIo, kDiskFull.
#pragma once

#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "storage/disk.h"

#include <string>

namespace xylem::storage {

struct DiskIdentity {
  Uuid disk;
  bool was_clean = true;  // a new disk has nothing that a crash could have taken
};

// Reads the identity, which is made where there is none; from now on the disk is not clean.
Result<DiskIdentity> open_disk_identity(Disk& disk, Random& random, const std::string& data_dir);

// Everything else on the disk is synced and nothing will be written any more.
Status close_disk_identity(Disk& disk, const std::string& data_dir, const Uuid& id);

}  // namespace xylem::storage
