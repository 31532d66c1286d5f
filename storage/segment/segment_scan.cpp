#include "storage/segment/segment_scan.h"

#include "common/batch/batch.h"
#include "storage/disk.h"
#include "storage/segment/sparse_index.h"

#include <algorithm>

namespace xylem::storage {
namespace {

constexpr std::size_t kWindowBytes = 1024UL * 1024;

constexpr std::size_t kSectorBytes = 512;    // what a disk writes whole, or a multiple of it
constexpr std::size_t kUncheckedBytes = 16;  // base offset, length and epoch

bool is_zero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// The sector that holds the beginning of the header was not written, all others were: the batch's
// own checksum holds all the same.
bool may_be_torn(Bytes head, std::int64_t position) {
  const auto first = kSectorBytes - static_cast<std::size_t>(position) % kSectorBytes;
  return first < kUncheckedBytes && first <= head.size() && is_zero(head.first(first));
}

}  // namespace

Result<Bytes> FileWindow::at(std::int64_t position, std::size_t bytes) {
  const auto have = begin_ + static_cast<std::int64_t>(window_.size());
  const auto want = position + static_cast<std::int64_t>(bytes);
  if (position < begin_ || (want > have && !reaches_end_)) {
    window_.resize(std::max(bytes, kWindowBytes));
    auto got = file_.read_at(position, window_);
    if (!got) return pass(got);
    reaches_end_ = *got < window_.size();
    window_.resize(*got);
    begin_ = position;
  }
  const auto skip = static_cast<std::size_t>(position - begin_);
  const auto here = Bytes(window_).subspan(std::min(skip, window_.size()));
  return here.first(std::min(bytes, here.size()));
}

Result<BatchPlace> good_batch_at(FileWindow& window, const ScanState& state) {
  auto head = window.at(state.position, kBatchHeaderBytes);
  if (!head) return pass(head);
  const auto header = peek_batch_header(*head);
  if (!header) return fail(Errc::kCorrupt, header.error().what());
  auto whole = window.at(state.position, header->bytes);
  if (!whole) return pass(whole);
  if (const auto checked = check_batch(*whole); !checked)
    return fail(Errc::kCorrupt, checked.error().what());
  auto place = place_at(*whole);
  if (!place) return place;
  if (state.position > kPositionMax || !fits_index(state.base, place->base))
    return fail(Errc::kCorrupt, "too far from where the segment begins");
  if (place->base < state.next) return fail(Errc::kCorrupt, "offsets go back");
  if (place->epoch < state.epoch) return fail(Errc::kCorrupt, "epochs go back");
  return place;
}

bool is_whole(FileWindow& window, std::int64_t position) {
  const auto head = window.at(position, kBatchHeaderBytes);
  const auto header = head ? peek_batch_header(*head) : std::unexpected(head.error());
  const auto whole = header ? window.at(position, header->bytes) : std::unexpected(header.error());
  return whole && check_batch(*whole);
}

Result<ScanEnd> scan_segment(const File& file, const ScanState& state, const BatchSink& good) {
  FileWindow window(file);
  ScanEnd end{state, true, {}};
  for (;;) {
    auto head = window.at(end.state.position, kBatchHeaderBytes);
    if (!head) return pass(head);
    if (is_zero(*head)) return end;
    auto place = good_batch_at(window, end.state);
    if (!place && place.error().code() != Errc::kCorrupt) return pass(place);
    if (!place) {
      end.clean = false;
      end.what = place.error().what();
      end.is_misplaced =
          !may_be_torn(*head, end.state.position) && is_whole(window, end.state.position);
      return end;
    }
    auto bytes = window.at(end.state.position, place->bytes);
    if (!bytes) return pass(bytes);
    if (auto taken = good(*bytes, *place); !taken) return pass(taken);
    end.state = {state.base, end.state.position + static_cast<std::int64_t>(place->bytes),
                 place->next, place->epoch};
  }
}

}  // namespace xylem::storage
