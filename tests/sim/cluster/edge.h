// A broker of the tree, or a consumer below it: pulls every partition from one parent at a time, by
// the real walk along its list of parents, and serves what it has.
//
// The log outlives the process; its tail, synced now and then, not always the power. A consumer is
// the same with nobody below it: it keeps its cursor with its data.
// Threads: one.
#pragma once

#include "pipe/parent_walk.h"
#include "tests/sim/cluster/committer.h"
#include "tests/sim/cluster/setting.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace xylem::sim {

class Edge final : public Node {
 public:
  Edge(Setting& setting, std::size_t host);

  void start() override;
  void stop(End how) override;
  std::optional<Answer> answer(const Question& question) override;
  void hear(const Answer& answer) override;

  [[nodiscard]] DiskState& disk() override { return disk_; }

  // The registry says something else.
  void change_parents();

  [[nodiscard]] std::size_t host() const { return host_; }

  [[nodiscard]] bool has_fenced_log() const;

  [[nodiscard]] const ModelLog& log(std::size_t partition) const { return *logs_[partition]; }

 private:
  // One partition, as long as the process lives.
  struct Feed {
    Feed(Setting& setting, std::size_t host, DiskState& disk, std::shared_ptr<ModelLog> log);

    pipe::ParentWalk walk;
    Committer committer;
    std::optional<std::int64_t> asked_ms;  // and not answered
  };

  std::vector<pipe::Parent> parents();
  void fetch_later(std::size_t partition);
  void fetch(std::size_t partition);
  void store(const Answer& answer);

  Setting& setting_;
  std::size_t host_;
  std::size_t tier_;  // 0: right below the root
  DiskState disk_;
  std::array<std::shared_ptr<ModelLog>, kPartitions> logs_;
  std::array<std::unique_ptr<Feed>, kPartitions> feeds_;
};

}  // namespace xylem::sim
