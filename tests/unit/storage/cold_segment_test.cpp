// Segments opened again, whose bytes are neither in memory nor proven.
#include "storage/log_paths.h"
#include "storage/segment/segment.h"
#include "storage/segment/segment_writer.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

namespace xylem::storage::testing {
namespace {

constexpr std::size_t kHalf = kChunkBytes / 2;

class CountingDisk final : public PosixDisk {
 public:
  Status bring_in(Bytes mapped) override {
    ++brought_in;
    return PosixDisk::bring_in(mapped);
  }

  int brought_in = 0;
};

struct SegmentOnDisk {
  explicit SegmentOnDisk(Disk& where)
      : disk(where), written(std::make_shared<Segment>(disk, directory.path(), Offset(0))) {
    reopen();
  }

  void reopen() {
    auto opened = SegmentWriter::open(disk, written);
    REQUIRE(opened);
    writer = std::move(*opened);
  }

  void add(Offset base, std::size_t bytes, std::int64_t timestamp_ms = 1'000) {
    const auto batch = Slice::own(placed(batch_of(1, bytes, timestamp_ms), base, Epoch(1)));
    const auto place = place_at(batch.bytes);
    REQUIRE(place);
    REQUIRE(writer->reserve(static_cast<std::int64_t>(place->bytes), false));
    REQUIRE(writer->write(std::array{PlacedBatch{batch, *place}}, 0));
  }

  void add_batches_of_half_a_chunk(int count) {
    for (int i = 0; i < count; ++i) add(Offset(i), kHalf);
  }

  // What a restart makes of it.
  std::shared_ptr<Segment> restored() {
    REQUIRE(writer->finish());
    REQUIRE(write_indexes(disk, *written));
    return std::make_shared<Segment>(disk, directory.path(), written->facts());
  }

  // From `bytes` on the device gives errors: a read of such a page is a signal.
  void lose_from(std::size_t bytes) const {
    std::filesystem::resize_file(written->path(kLogSuffix), bytes);
  }

  TemporaryDirectory directory{fast_directory()};
  Disk& disk;
  std::shared_ptr<Segment> written;
  std::unique_ptr<SegmentWriter> writer;
};

TEST_CASE("cold segments: a bad sector anywhere in what is read ahead is an error, not a signal") {
  PosixDisk disk;
  int failed = 0;
  for (auto good = kChunkBytes; good < 6 * kChunkBytes; good += kChunkBytes / 4) {
    SegmentOnDisk files(disk);
    files.add_batches_of_half_a_chunk(16);
    const auto segment = files.restored();
    const ReadRange range{Offset(0), 100, kAll};
    ReadResult out;
    REQUIRE(segment->read(range, out));  // maps it
    files.lose_from(good);
    const auto warm = segment->warm_up(range);
    CHECK(segment->is_suspect() == !warm);
    if (!warm) ++failed;
    if (!warm) CHECK(warm.error().code() == Errc::kCorrupt);
  }
  CHECK(failed > 0);
}

TEST_CASE("cold segments: a bad sector found while the index is made again is an error") {
  PosixDisk disk;
  SegmentOnDisk files(disk);
  files.add_batches_of_half_a_chunk(8);
  const auto segment = files.restored();
  REQUIRE(disk.remove(segment->path(kIndexSuffix)));
  REQUIRE(segment->find_time(0, {Offset(0), 0, kAll}));  // maps it and needs no index
  files.lose_from(2 * kChunkBytes + kHalf);
  ReadResult out;
  const auto read = segment->read({Offset(0), 100, kAll}, out);
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == Errc::kCorrupt);
  CHECK(segment->is_suspect());
}

TEST_CASE("cold segments: a read of what is warm waits for nothing") {
  CountingDisk disk;
  SegmentOnDisk files(disk);
  files.add(Offset(0), 5'000);
  files.add(Offset(1), 6 * kChunkBytes);
  constexpr std::int64_t kHoleEnd = 10;
  constexpr int kBatches = 30;
  for (int i = 0; i < kBatches; ++i) files.add(Offset(kHoleEnd + i), kHalf);
  (void)files.restored();
  for (std::int64_t from = 0; from < kHoleEnd + kBatches; ++from) {
    for (const auto bytes_max : {std::size_t{1}, kHalf * 3, 8 * kChunkBytes}) {
      CAPTURE(from);
      CAPTURE(bytes_max);
      const Segment segment(disk, files.directory.path(), files.written->facts());
      const ReadRange range{Offset(from), bytes_max, kAll};
      REQUIRE(segment.warm_up(range));
      REQUIRE(segment.is_warm(range));
      disk.brought_in = 0;
      ReadResult out;
      REQUIRE(segment.read(range, out));
      REQUIRE(segment.last_below(range.from));
      CHECK(out.bytes > 0);
      CHECK(disk.brought_in == 0);
    }
  }
}

TEST_CASE("segments: a time index that was dropped is the writer's again when it goes on") {
  PosixDisk disk;
  SegmentOnDisk files(disk);
  files.add(Offset(0), 5'000, 1'000);
  files.add(Offset(1), 5'000, 2'000);
  (void)files.restored();
  auto& segment = *files.written;
  segment.drop_time_index();
  files.reopen();
  files.add(Offset(2), 5'000, 3'000);
  const auto encoded = segment.encoded_time_index();
  REQUIRE(encoded);
  const auto times = decode_time_index(*encoded, Offset(0));
  REQUIRE(times);
  const auto last = segment.position_of(Offset(2));
  REQUIRE(last);
  CHECK(std::cmp_equal((*times)->position_for(3'000), *last));
}

}  // namespace
}  // namespace xylem::storage::testing
