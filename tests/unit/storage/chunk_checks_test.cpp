#include "storage/segment/chunk_checks.h"

#include "common/batch/batch.h"
#include "common/batch/crc32c.h"
#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace xylem::storage {
namespace {

Buffer random_batch(std::size_t bytes, Random& random) {
  Buffer batch(bytes);
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const auto word = random.next();
    std::memcpy(batch.data() + at, &word, std::min(sizeof(word), bytes - at));
  }
  BatchHeader header;
  header.bytes = bytes;
  header.record_count = 1;
  write_batch_header(header, batch);
  assign(batch, Offset(static_cast<std::int64_t>(random.next() >> 2U)), Epoch(3));
  return batch;
}

TEST_CASE("checks made of batches' own CRCs are those of each MiB") {
  Random random(4);
  for (int round = 0; round < 20; ++round) {
    ChunkChecks checks;
    Buffer log;
    while (log.size() < 5 * kChunkBytes) {
      const auto most = round % 8 == 1   ? std::size_t{1'000}
                        : round % 2 == 0 ? 3 * kChunkBytes
                                         : std::size_t{300} * 1024;
      auto bytes = kBatchHeaderBytes + random.below(most);
      // Often one that ends just about where its MiB does: its head may be divided.
      const auto room = kChunkBytes - log.size() % kChunkBytes;
      if (random.below(3) == 0 && room > kBatchHeaderBytes) bytes = room - random.below(61);
      const auto batch = random_batch(std::max(bytes, kBatchHeaderBytes), random);
      append(batch, log);
      checks.extend(batch, check_batch(batch).value().crc);
    }
    const auto crcs = checks.crcs();
    REQUIRE(crcs.size() == (log.size() + kChunkBytes - 1) / kChunkBytes);
    for (std::size_t i = 0; i < crcs.size(); ++i) {
      const auto rest = Bytes(log).subspan(i * kChunkBytes);
      REQUIRE(crcs[i] == crc32c(rest.first(std::min(rest.size(), kChunkBytes))));
    }
    ChunkChecks restored;
    restored.restore(crcs, log.size());
    REQUIRE(restored.ensure(log, 0, log.size()));
    log[random.below(log.size())] ^= std::byte{1};
    restored.restore(crcs, log.size());
    REQUIRE_FALSE(restored.ensure(log, 0, log.size()));
  }
}

TEST_CASE("what changed between a batch's check and the disk is found when it is read back") {
  Random random(5);
  auto batch = random_batch(10'000, random);
  const auto crc = check_batch(batch).value().crc;
  batch[5'000] ^= std::byte{4};
  ChunkChecks written;
  written.extend(batch, crc);
  ChunkChecks restored;
  restored.restore(written.crcs(), batch.size());
  CHECK_FALSE(restored.ensure(batch, 0, batch.size()));
}

}  // namespace
}  // namespace xylem::storage
