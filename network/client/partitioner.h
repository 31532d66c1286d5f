// Which partition a record goes to, as Kafka's clients choose it.
//
// Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"

#include <cstdint>

namespace xylem::network {

// MurmurHash2 (Appleby) with Kafka's seed.
[[nodiscard]] std::int32_t murmur2(Bytes bytes) noexcept;

// `partition_count` > 0.
[[nodiscard]] PartitionId partition_by_key(Bytes key, std::int32_t partition_count);

}  // namespace xylem::network
