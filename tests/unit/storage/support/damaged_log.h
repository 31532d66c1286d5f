// A log made whole, to be damaged by a test, and what it serves after that.
#pragma once

#include "storage/log_files.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::storage::testing {

inline LogOptions small_segments() {
  LogOptions options;
  options.segment_bytes_max = 350;
  return options;
}

class DamagedLog {
 public:
  // `count` batches of two records each; `clean`: the log is closed, with all index files.
  explicit DamagedLog(int count, bool clean = true, const LogOptions& options = {}) {
    auto node = std::make_unique<Node>("mmap", directory_.file("made"));
    const auto log = node->open(options);
    for (int i = 0; i < count; ++i) {
      const auto batch = batch_of(2, 10);
      auto base = log->append(batch, Epoch(3));
      REQUIRE(base);
      batches.push_back(placed(batch, *base, Epoch(3)));
      node->settle(*log);
    }
    if (clean) node->stop();
    std::filesystem::copy(directory_.file("made"), directory_.file("data"),
                          std::filesystem::copy_options::recursive);
  }

  std::vector<std::string> files(std::string_view suffix) const {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(directory_.file("data"))) {
      if (entry.path().string().ends_with(suffix)) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }

  // Leaves nothing but segments.
  void forget_the_rest() const {
    for (const std::string_view suffix : {"synced", "index", ".quarantined"}) {
      for (const auto& file : files(suffix)) std::filesystem::remove(file);
    }
  }

  [[nodiscard]] std::string data() const { return directory_.file("data"); }

  std::unique_ptr<Node> start() const { return std::make_unique<Node>("mmap", data()); }

  std::vector<Buffer> batches;

 private:
  TemporaryDirectory directory_{fast_directory()};
};

// Every batch that can be read, going over what is refused as a consumer would: again, once the log
// has looked at it.
inline std::vector<Buffer> served(Node& node, const PartitionLog& log) {
  std::vector<Buffer> all;
  for (auto cursor = log.start_offset(); cursor < log.written_end();) {
    auto read = log.read(cursor, 1, kAll);
    if (!read) {
      REQUIRE((read.error().code() == Errc::kCorrupt || read.error().code() == Errc::kUnavailable));
      xylem::testing::run_for(node.loop, 1);
      continue;
    }
    if (read->bytes == 0) break;
    all.push_back(bytes_in(*read));
    cursor = read->next;
  }
  return all;
}

// The files of the log without an engine around them: no threads, so that sweeps are quick.
struct OpenedFiles {
  explicit OpenedFiles(const DamagedLog& log)
      : OpenedFiles(posix, directory_of(log.files(".log").at(0))) {}

  OpenedFiles(Disk& disk, const std::string& directory)
      : files({disk, Logger::none(), counters, directory}, clock, view) {
    auto opened = files.recover();
    REQUIRE(opened);
    recovered = std::move(*opened);
  }

  // Every batch that can be read; what fails its check is set aside on the way, as MmapLog does.
  std::vector<Buffer> served() {
    std::vector<Buffer> all;
    for (auto cursor = view.load()->start;;) {
      const auto picture = view.load();
      const auto read = read_picture(*picture, {cursor, 1, picture->written()});
      if (!read) {
        set_suspects_aside();
        continue;
      }
      if (read->bytes == 0) return all;
      all.push_back(bytes_in(*read));
      cursor = read->next;
    }
  }

  void set_suspects_aside() {
    for (const auto& segment : SegmentList(files.segments())) {
      if (!segment->is_suspect()) continue;
      REQUIRE(files.quarantine(*segment));
    }
  }

  [[nodiscard]] std::vector<OffsetRange> lost() const { return view.load()->lost; }

  PosixDisk posix;
  Metrics metrics;
  StorageMetrics counters{metrics};
  ManualClock clock;
  LogView view;
  LogFiles files;
  RecoveredLog recovered;
};

}  // namespace xylem::storage::testing
