// A disk whose n-th call goes wrong, once or for ever; the rest is the real one.
#pragma once

#include "storage/disk.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace xylem::storage::testing {

enum class Fault : std::uint8_t { kIo, kDiskFull, kShortWrite };

// Counts the calls that change something and decides which of them fails.
class FaultPlan {
 public:
  void arm(Fault fault, int call, bool for_ever) {
    fault_ = fault;
    for_ever_ = for_ever;
    left_ = call;
  }

  void disarm() { left_ = -1; }

  // False: the armed call has not come.
  [[nodiscard]] bool has_fired() const { return left_ == 0; }

  [[nodiscard]] Fault fault() const { return fault_; }

  // Only allocation reports a full disk when this is set: as preallocating file systems do.
  void only_allocations(bool yes) { only_allocations_ = yes; }

  // From now on a sync of a file lasts until this is said again with false.
  void hold_syncs(bool hold) {
    are_syncs_held_ = hold;
    are_syncs_held_.notify_all();
  }

  void wait_where_held() const { are_syncs_held_.wait(true); }

  bool strikes(bool allocates = false) {
    if (only_allocations_ && !allocates) return false;
    const int left = left_.load();
    if (left < 0 || (left == 0 && !for_ever_)) return false;
    if (left == 0) return true;
    left_ = left - 1;
    return left == 1;
  }

  [[nodiscard]] Error error() const {
    return fault_ == Fault::kDiskFull ? Error(Errc::kDiskFull, "no space left on device")
                                      : Error(Errc::kIo, "input/output error");
  }

 private:
  Fault fault_ = Fault::kIo;
  std::atomic<bool> for_ever_{false};
  std::atomic<bool> only_allocations_{false};
  std::atomic<int> left_{-1};
  std::atomic<bool> are_syncs_held_{false};
};

class FaultFile final : public File {
 public:
  FaultFile(std::unique_ptr<File> real, FaultPlan& plan) : real_(std::move(real)), plan_(plan) {}

  Result<std::size_t> read_at(std::int64_t position, MutableBytes out) const override {
    return real_->read_at(position, out);
  }

  Status write_at(std::int64_t position, std::span<const Bytes> pieces) override {
    if (!plan_.strikes()) return real_->write_at(position, pieces);
    if (plan_.fault() == Fault::kShortWrite && !pieces.empty()) {
      const std::array part = {pieces.front().first(pieces.front().size() / 2)};
      (void)real_->write_at(position, part);
    }
    return std::unexpected(plan_.error());
  }

  Status allocate(std::int64_t bytes) override {
    if (plan_.strikes(true)) return std::unexpected(plan_.error());
    return real_->allocate(bytes);
  }

  Status truncate(std::int64_t bytes) override {
    if (plan_.strikes()) return std::unexpected(plan_.error());
    return real_->truncate(bytes);
  }

  Status sync() override {
    plan_.wait_where_held();
    if (plan_.strikes()) return std::unexpected(plan_.error());
    return real_->sync();
  }

  Status forget_cached() override { return real_->forget_cached(); }

  [[nodiscard]] Result<std::int64_t> size() const override { return real_->size(); }

  Result<Slice> map(std::int64_t bytes) const override { return real_->map(bytes); }

  [[nodiscard]] int descriptor() const noexcept override { return real_->descriptor(); }

 private:
  std::unique_ptr<File> real_;
  FaultPlan& plan_;
};

class FaultDisk final : public Disk {
 public:
  FaultPlan plan;

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    if (how == Open::kCreate && plan.strikes()) return std::unexpected(plan.error());
    auto file = real_.open(path, how);
    if (!file) return file;
    return std::make_unique<FaultFile>(std::move(*file), plan);
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    return real_.list(directory);
  }

  Result<bool> exists(const std::string& path) override { return real_.exists(path); }

  Status make_directories(const std::string& path) override {
    if (plan.strikes()) return std::unexpected(plan.error());
    return real_.make_directories(path);
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (plan.strikes()) return std::unexpected(plan.error());
    return real_.rename(from, to);
  }

  Status remove(const std::string& path) override {
    if (plan.strikes()) return std::unexpected(plan.error());
    return real_.remove(path);
  }

  Status remove_all(const std::string& path) override { return real_.remove_all(path); }

  Status sync_directory(const std::string& path) override {
    if (plan.strikes()) return std::unexpected(plan.error());
    return real_.sync_directory(path);
  }

  Result<std::shared_ptr<void>> lock(const std::string& path) override { return real_.lock(path); }

 private:
  PosixDisk real_;
};

}  // namespace xylem::storage::testing
