// Files in memory: as much of a disk as recovery needs, at no cost.
#pragma once

#include "storage/disk.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::storage::testing {

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::shared_ptr<Buffer> content) : content_(std::move(content)) {}

  Result<std::size_t> read_at(std::int64_t position, MutableBytes out) const override {
    const auto begin = std::min(static_cast<std::size_t>(position), content_->size());
    const auto count = std::min(out.size(), content_->size() - begin);
    std::copy_n(content_->begin() + static_cast<std::ptrdiff_t>(begin), count, out.begin());
    return count;
  }

  Status write_at(std::int64_t position, std::span<const Bytes> pieces) override {
    auto at = static_cast<std::size_t>(position);
    for (const auto piece : pieces) {
      if (content_->size() < at + piece.size()) content_->resize(at + piece.size());
      std::ranges::copy(piece, content_->begin() + static_cast<std::ptrdiff_t>(at));
      at += piece.size();
    }
    return {};
  }

  Status allocate(std::int64_t bytes) override {
    content_->resize(std::max(content_->size(), static_cast<std::size_t>(bytes)));
    return {};
  }

  Status truncate(std::int64_t bytes) override {
    content_->resize(static_cast<std::size_t>(bytes));
    return {};
  }

  Status sync() override { return {}; }

  Status forget_cached() override { return {}; }

  [[nodiscard]] Result<std::int64_t> size() const override {
    return static_cast<std::int64_t>(content_->size());
  }

  // A copy: what is written later does not show.
  Result<Slice> map(std::int64_t bytes) const override {
    return Slice::copy(Bytes(*content_).first(static_cast<std::size_t>(bytes)));
  }

  [[nodiscard]] int descriptor() const noexcept override { return -1; }

 private:
  std::shared_ptr<Buffer> content_;
};

class MemoryDisk final : public Disk {
 public:
  std::map<std::string, std::shared_ptr<Buffer>> files;

  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override {
    const auto found = files.find(path);
    if (how == Open::kCreate && found != files.end()) return fail(Errc::kAlreadyExists, path);
    if (how != Open::kCreate && found == files.end()) return fail(Errc::kNotFound, path);
    auto& content = files[path];
    if (content == nullptr) content = std::make_shared<Buffer>();
    return std::make_unique<MemoryFile>(content);
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    for (const auto& [path, content] : files) {
      if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
  }

  Result<bool> exists(const std::string& path) override { return files.contains(path); }

  Status make_directories(const std::string& /*path*/) override { return {}; }

  Status rename(const std::string& from, const std::string& to) override {
    files[to] = files.at(from);
    files.erase(from);
    return {};
  }

  Status remove(const std::string& path) override {
    if (files.erase(path) == 0) return fail(Errc::kNotFound, path);
    return {};
  }

  Status remove_all(const std::string& /*path*/) override { return {}; }

  Status sync_directory(const std::string& /*path*/) override { return {}; }

  Result<std::shared_ptr<void>> lock(const std::string& /*path*/) override { return nullptr; }
};

}  // namespace xylem::storage::testing
