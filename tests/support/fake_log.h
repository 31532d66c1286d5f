// A PartitionLog in a vector, for tests: written and durable at once, unless told otherwise.
#pragma once

#include "common/batch/batch.h"
#include "common/batch/batch_builder.h"
#include "common/check.h"
#include "storage/partition_log.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {

// One batch of `records` records whose values are `value`.
inline Buffer batch_of(std::string_view value, int records = 1) {
  BatchBuilder builder;
  for (int i = 0; i < records; ++i)
    XYLEM_CHECK(builder.add({.key = "k", .value = std::string(value), .headers = {}}));
  auto batch = builder.build();
  XYLEM_CHECK(batch.has_value());
  return *std::move(batch);
}

class FakeLog final : public storage::PartitionLog {
 public:
  explicit FakeLog(const LogId& id = {}) : name_{.topic = "fake", .id = id} {}

  [[nodiscard]] const storage::LogName& name() const override { return name_; }

  Result<Offset> append(Bytes batch, Epoch epoch) override {
    if (!failure_) return std::unexpected(failure_.error());
    const Offset base = end_;
    Buffer copy(batch.begin(), batch.end());
    assign(copy, base, epoch);
    keep(std::move(copy));
    return base;
  }

  Status append_as_is(Bytes batches) override {
    if (!failure_) return failure_;
    while (!batches.empty()) {
      const auto header = check_batch(batches);
      if (!header) return std::unexpected(header.error());
      if (header->base_offset < end_) return fail(Errc::kInvalidRequest, "below the end");
      const auto batch = batches.first(header->bytes);
      keep(Buffer(batch.begin(), batch.end()));
      batches = batches.subspan(header->bytes);
    }
    return {};
  }

  Status inherit_compaction(const storage::CompactionBounds& bounds) override {
    compaction_ = bounds;
    return {};
  }

  [[nodiscard]] storage::CompactionBounds compaction() const override { return compaction_; }

  // Leaves out what a compaction would: every batch that starts below `offset` but the first.
  void thin_out(Offset offset) {
    std::erase_if(batches_, [&](const Kept& kept) {
      return kept.header.base_offset > start_ && kept.header.base_offset < offset;
    });
  }

  Status cut_back(Offset offset) override {
    std::erase_if(batches_, [&](const Kept& kept) { return kept.header.base_offset >= offset; });
    end_ = std::max(
        start_, batches_.empty() ? std::min(offset, end_) : batches_.back().header.next_offset());
    return {};
  }

  Status drop_before(Offset offset) override {
    std::erase_if(batches_, [&](const Kept& kept) { return kept.header.next_offset() <= offset; });
    start_ = offset;
    if (batches_.empty()) end_ = offset;
    return {};
  }

  Status retain() override { return {}; }

  void set_options(const storage::LogOptions&) override {}

  void set_listener(Listener) override {}

  [[nodiscard]] Offset start_offset() const override { return start_; }

  [[nodiscard]] Offset end_offset() const override { return end_; }

  [[nodiscard]] Offset written_end() const override { return std::min(end_, written_max_); }

  [[nodiscard]] Offset synced_end() const override { return durable_end(); }

  [[nodiscard]] Offset durable_end() const override {
    return std::min(written_end(), durable_max_);
  }

  [[nodiscard]] std::int64_t bytes() const override { return 0; }

  [[nodiscard]] Status health() const override { return failure_; }

  [[nodiscard]] Status writable() const override {
    const bool is_lost_only = !failure_ && failure_.error().code() == Errc::kCorrupt;
    return is_lost_only ? Status() : failure_;
  }

  Result<storage::ReadResult> read(Offset from,
                                   std::size_t bytes_max,
                                   Offset below) const override {
    if (!read_failure_) return std::unexpected(read_failure_.error());
    if (from < start_ || from > end_) return fail(Errc::kOffsetOutOfRange, "outside the log");
    storage::ReadResult result{.slices = {}, .bytes = 0, .next = from};
    for (const auto& kept : batches_) {
      if (kept.header.next_offset() <= from) continue;
      if (kept.header.next_offset() > below) break;
      if (result.bytes > 0 && result.bytes + kept.slice.bytes.size() > bytes_max) break;
      result.slices.push_back(kept.slice);
      result.bytes += kept.slice.bytes.size();
      result.next = kept.header.next_offset();
    }
    return result;
  }

  Result<bool> warm_up(Offset, std::size_t) override { return is_warm_; }

  Result<Offset> offset_for_time(std::int64_t) const override { return end_; }

  Result<std::optional<storage::LastBatch>> last_batch_below(Offset offset) const override {
    if (!read_failure_) return std::unexpected(read_failure_.error());
    std::optional<storage::LastBatch> last;
    for (const auto& kept : batches_) {
      if (kept.header.next_offset() > offset) break;
      last = {.base_offset = kept.header.base_offset,
              .next_offset = kept.header.next_offset(),
              .epoch = kept.header.epoch,
              .crc = kept.header.crc};
    }
    return last;
  }

  [[nodiscard]] std::vector<storage::EpochStart> epochs() const override {
    std::vector<storage::EpochStart> starts;
    for (const auto& kept : batches_) {
      if (starts.empty() || starts.back().epoch < kept.header.epoch)
        starts.push_back({kept.header.epoch, kept.header.base_offset});
    }
    return starts;
  }

  [[nodiscard]] std::vector<storage::SegmentInfo> segments() const override { return {}; }

  Status close() override { return {}; }

  [[nodiscard]] std::vector<storage::OffsetRange> lost() const override { return lost_; }

  // Batches within [from, to) are gone, and the log says so.
  void lose(Offset from, Offset to) {
    std::erase_if(batches_, [&](const Kept& kept) {
      return kept.header.base_offset >= from && kept.header.base_offset < to;
    });
    lost_.push_back({from, to});
  }

  // Every append fails with it from now on; success heals.
  void fail_appends(Status failure) { failure_ = std::move(failure); }

  void fail_reads(Status failure) { read_failure_ = std::move(failure); }

  // Its batches lie on a disk that is waited for, until it is said to be warm again.
  void set_warm(bool warm) { is_warm_ = warm; }

  // Nothing at or above `end` counts as durable.
  void hold_durable_at(Offset end) { durable_max_ = end; }

  // Nothing at or above `end` counts as written.
  void hold_written_at(Offset end) { written_max_ = end; }

  // Flips a bit in the last byte of the batch that starts at `base`.
  void rot(Offset base) {
    for (auto& kept : batches_) {
      if (kept.header.base_offset != base) continue;
      Buffer bytes(kept.slice.bytes.begin(), kept.slice.bytes.end());
      bytes.back() ^= std::byte{1};
      kept.slice = Slice::own(std::move(bytes));
    }
  }

  // Every batch's bytes, one after the other: equal logs have equal bytes.
  [[nodiscard]] Buffer content() const {
    Buffer all;
    for (const auto& kept : batches_) xylem::append(kept.slice.bytes, all);
    return all;
  }

 private:
  struct Kept {
    BatchHeader header;
    Slice slice;
  };

  void keep(Buffer batch) {
    const auto header = check_batch(batch);
    XYLEM_CHECK(header.has_value());
    end_ = header->next_offset();
    batches_.push_back({*header, Slice::own(std::move(batch))});
  }

  storage::LogName name_;
  bool is_warm_ = true;
  storage::CompactionBounds compaction_;
  std::vector<Kept> batches_;
  Offset start_;
  Offset end_;
  Offset written_max_{INT64_MAX};
  Offset durable_max_{INT64_MAX};
  std::vector<storage::OffsetRange> lost_;
  Status failure_;
  Status read_failure_;
};

}  // namespace xylem::testing
