#include "storage/repair/scrub.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::int64_t kStepBackUs = 20'000;
constexpr int kStepsBackMax = 50;
constexpr std::int64_t kUsPerS = 1'000'000;

}  // namespace

Scrub::Scrub(Context context, const Options& options)
    : context_(std::move(context)),
      options_(options),
      pass_at_us_(context_.clock.monotonic_us() + options.first_after_us) {}

void Scrub::add(std::weak_ptr<Scrubbed> log) {
  const std::lock_guard lock(mutex_);
  std::erase_if(logs_, [](const auto& known) { return known.expired(); });
  logs_.push_back(std::move(log));
}

std::int64_t Scrub::step() {
  const auto now = context_.clock.monotonic_us();
  if (!is_in_pass_ && now < pass_at_us_) return pass_at_us_;
  if (context_.is_busy() && stepped_back_ < kStepsBackMax) {
    ++stepped_back_;
    return now + kStepBackUs;
  }
  stepped_back_ = 0;
  if (!is_in_pass_) begin_pass();
  bytes_ = 0;
  if (next_segment()) {
    check_on();
    context_.metrics.scrubbed_bytes.add(static_cast<std::uint64_t>(bytes_));
    return now + std::max<std::int64_t>(bytes_ * kUsPerS / options_.bytes_per_s, 1);
  }
  is_in_pass_ = false;
  context_.metrics.scrub_passes.add();
  context_.metrics.scrubbed_at_s.set(static_cast<double>(context_.clock.wall_ms()) / 1000);
  return pass_at_us_;
}

void Scrub::begin_pass() {
  pass_at_us_ = context_.clock.monotonic_us() + options_.pass_every_us;
  const std::lock_guard lock(mutex_);
  left_ = logs_;
  is_in_pass_ = true;
}

// Makes check_ look at the next segment where none is under way. False: the pass is over.
bool Scrub::next_segment() {
  while (check_ == nullptr) {
    while (segments_.empty()) {
      log_.reset();
      if (left_.empty()) return false;
      log_ = left_.back().lock();
      left_.pop_back();
      if (log_ == nullptr) continue;
      segments_ = log_->sealed();
      std::ranges::reverse(segments_);
    }
    const auto& segment = segments_.back();
    auto opened = SegmentCheck::open(
        context_.disk, log_->directory(),
        {segment->base(), segment->end(), segment->bytes(), segment->appended_ms()});
    if (opened && !segment->is_retired())
      check_ = std::move(*opened);
    else
      segments_.pop_back();  // it has gone meanwhile, or will be met again
  }
  return true;
}

void Scrub::check_on() {
  const auto& segment = segments_.back();
  const auto done = check_->step();
  if (done && *done > 0) {
    bytes_ = *done;
    return;
  }
  if (!segment->is_retired()) {  // else the file was another one's
    if (done) {
      end_segment();
    } else {
      context_.metrics.scrub_findings.add();
      log_->found_bad(segment, done.error());
    }
  }
  check_.reset();
  segments_.pop_back();
}

void Scrub::end_segment() {
  auto offsets = check_->better_index();
  auto times = check_->better_time_index();
  if (!offsets || !times || (!*offsets && !*times)) return;
  context_.metrics.scrub_findings.add();
  log_->mend(segments_.back(), {std::move(*offsets), std::move(*times)});
}

}  // namespace xylem::storage
