// What a record costs as bytes: checksums, varints, encoding, the two checks, walking.
#include "bench/micro/samples.h"
#include "common/batch/batch.h"
#include "common/batch/batch_builder.h"
#include "common/batch/crc32c.h"
#include "common/batch/record.h"
#include "common/batch/varint.h"

#include <benchmark/benchmark.h>

namespace xylem::bench {
namespace {

void count(benchmark::State& state, std::size_t bytes, std::int64_t records) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  if (records > 0) state.SetItemsProcessed(state.iterations() * records);
}

void crc(benchmark::State& state) {
  const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bytes));
  count(state, bytes.size(), 0);
}

void crc_portable(benchmark::State& state) {
  const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(crc32c_portable(bytes));
  count(state, bytes.size(), 0);
}

void crc_joined(benchmark::State& state) {
  std::uint32_t crc = 1;
  for (auto _ : state) {
    crc = crc32c_joined(crc, 2, static_cast<std::size_t>(state.range(0)));
    benchmark::DoNotOptimize(crc);
  }
}

void varint_write(benchmark::State& state) {
  std::array<std::byte, 10> out{};
  std::int64_t value = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(put_varint(value, out.data()));
    value = (value * 3 + 1) & 0xfffff;
  }
}

void varint_read(benchmark::State& state) {
  std::array<std::byte, 10> out{};
  put_varint(state.range(0), out.data());
  for (auto _ : state) {
    Bytes left(out);
    benchmark::DoNotOptimize(take_varlong(left));
  }
}

void encode(benchmark::State& state) {
  Record record;
  record.value = half_random_text(static_cast<std::size_t>(state.range(0)));
  const auto records = records_in_16_kib(state.range(0));
  BatchBuilder builder;
  std::size_t bytes = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < records; ++i) benchmark::DoNotOptimize(builder.add(record));
    bytes = builder.build()->size();
  }
  count(state, bytes, records);
}

void check(benchmark::State& state) {
  const auto batch = batch_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(check_batch(batch));
  count(state, batch.size(), records_in_16_kib(state.range(0)));
}

void check_deeply(benchmark::State& state) {
  const auto batch = batch_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(check_batch_deeply(batch));
  count(state, batch.size(), records_in_16_kib(state.range(0)));
}

void decode(benchmark::State& state) {
  const auto batch = batch_of(state.range(0));
  for (auto _ : state) {
    auto reader = BatchReader::open(batch);
    while (auto record = reader->next()) benchmark::DoNotOptimize(record);
  }
  count(state, batch.size(), records_in_16_kib(state.range(0)));
}

BENCHMARK(crc)->Arg(64)->Arg(1024)->Arg(16 * 1024)->Arg(1024 * 1024);
BENCHMARK(crc_portable)->Arg(1024);
BENCHMARK(crc_joined)->Arg(1003)->Arg(65'519);
BENCHMARK(varint_write);
BENCHMARK(varint_read)->Arg(5)->Arg(5'000)->Arg(5'000'000'000);
BENCHMARK(encode)->Arg(100)->Arg(1024);
BENCHMARK(check)->Arg(100)->Arg(1024);
BENCHMARK(check_deeply)->Arg(100)->Arg(1024);
BENCHMARK(decode)->Arg(100)->Arg(1024);

}  // namespace
}  // namespace xylem::bench
