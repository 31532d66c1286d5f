// What a batch costs on its way into a log and out of it, without the disk.
#include "bench/micro/samples.h"
#include "common/batch/batch.h"
#include "storage/disk.h"
#include "storage/published.h"
#include "storage/segment/chunk_checks.h"
#include "storage/segment/segment.h"
#include "storage/segment/segment_writer.h"
#include "storage/segment/sparse_index.h"
#include "storage/tail.h"

#include <benchmark/benchmark.h>
#include <filesystem>
#include <limits>

namespace xylem::bench {
namespace {

using storage::BatchPlace;
using storage::ChunkChecks;
using storage::PlacedBatch;
using storage::Segment;
using storage::SparseIndex;

constexpr std::int64_t kRecordBytes = 1024;
constexpr std::int64_t kBatches = 4'096;
constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

BatchPlace place_of(Bytes batch, Offset base) {
  auto place = storage::place_at(batch).value();
  const auto records = place.next - place.base;
  place.base = base;
  place.next = base + records;
  return place;
}

void tail_add(benchmark::State& state) {
  const auto batch = batch_of(kRecordBytes);
  storage::Tail tail(
      {.pool = state.range(0) == 0 ? nullptr : std::make_shared<storage::BlockPool>()});
  auto place = place_of(batch, Offset(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(tail.add(batch, place));
    place = place_of(batch, place.next);
    if (tail.bytes() > 4UL * 1024 * 1024) tail.shrink(place.base, 1024UL * 1024);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}

void chunk_checks_extend(benchmark::State& state) {
  const auto batch = batch_of(kRecordBytes);
  const auto crc = check_batch(batch).value().crc;
  ChunkChecks checks;
  for (auto _ : state) checks.extend(batch, crc);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
}

void sparse_index_lookup(benchmark::State& state) {
  SparseIndex index(Offset(0));
  const auto entries = state.range(0);
  for (std::int64_t i = 0; i < entries; ++i)
    index.add(Offset(i * 4), static_cast<std::size_t>(i) * storage::kIndexStepBytes);
  std::int64_t offset = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.position_below(Offset(offset)));
    offset = (offset * 16'807) % (entries * 4);
  }
}

void published_load(benchmark::State& state) {
  static storage::Published<int> published(std::make_shared<const int>(1));
  for (auto _ : state) benchmark::DoNotOptimize(published.load());
}

// A segment of 64 MiB in the page cache.
class SegmentRead : public benchmark::Fixture {
 public:
  void SetUp(const benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    std::string name = std::filesystem::temp_directory_path() / "xylem-micro-XXXXXX";
    directory_ = mkdtemp(name.data());
    segment_ = std::make_shared<Segment>(disk_, directory_, Offset(0));
    auto writer = storage::SegmentWriter::open(disk_, segment_).value();
    writer->set_segment_bytes_max(std::int64_t{1} << 30);
    Offset base(0);
    for (std::int64_t i = 0; i < kBatches; ++i) {
      auto batch = batch_of(kRecordBytes);
      const auto place = place_of(batch, base);
      assign(batch, place.base, Epoch(0));
      const PlacedBatch placed{{nullptr, batch}, place};
      XYLEM_CHECK(writer->reserve(static_cast<std::int64_t>(batch.size()), false));
      XYLEM_CHECK(writer->write({&placed, 1}, 1));
      base = place.next;
    }
  }

  void TearDown(const benchmark::State& state) override {
    if (state.thread_index() != 0) return;
    segment_ = nullptr;
    std::filesystem::remove_all(directory_);
  }

 protected:
  storage::PosixDisk disk_;
  std::string directory_;
  std::shared_ptr<Segment> segment_;
};

BENCHMARK_DEFINE_F(SegmentRead, random)(benchmark::State& state) {
  const auto records = segment_->end() - Offset(0);
  std::int64_t offset = 1;
  for (auto _ : state) {
    storage::ReadResult out;
    out.next = Offset(offset);
    XYLEM_CHECK(
        segment_->read({Offset(offset), static_cast<std::size_t>(state.range(0)), kAll}, out));
    benchmark::DoNotOptimize(out);
    offset = (offset * 16'807 + 1) % records;
  }
}

BENCHMARK(tail_add)->ArgName("pool")->Arg(0)->Arg(1);
BENCHMARK(chunk_checks_extend);
BENCHMARK(sparse_index_lookup)->Arg(1'000)->Arg(262'144);
BENCHMARK(published_load)->Threads(1)->Threads(2);
BENCHMARK_REGISTER_F(SegmentRead, random)->ArgName("bytes")->Arg(1)->Arg(1024 * 1024);

}  // namespace
}  // namespace xylem::bench

BENCHMARK_MAIN();
