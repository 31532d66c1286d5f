// A disk in memory that can lose its power: the second real implementation of storage's `Disk`.
//
// What a file system promises, and no more: a file's bytes and its size are safe after File::sync;
// that a name exists, is gone or names another file, after sync_directory of its directory. All
// else a power cut may lose, tear or keep in any order, sector by sector and name by name (changes
// of one name stay in order). So what a run of it proves holds for every POSIX file system.
//
//   SimDisk disk;
//   disk.crash_at(17, seed);        // of the calls that change something
//   ... use it until everything fails ...
//   disk.cut_power(Survival::kSome, seed);   // or kill(): what a dead process leaves
//   ... use it again ...
//
// Or a call fails and the process lives on: fail_at. After a failed sync the file's bytes up to
// then never become durable, whatever a later sync says: as the kernel does it.
//
// Maps are copies, never the live bytes. A write or a truncation below the end of a live mapping
// aborts: on a real disk readers would see it, or die of it.
//
// Threads: any (one mutex). The same calls and seeds give the same bytes.
#pragma once

#include "common/random.h"
#include "storage/disk.h"
#include "tests/sim/sim_file.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace xylem::sim {

enum class Fault : std::uint8_t {
  kIo,
  kDiskFull,    // of what takes room
  kShortWrite,  // a part is written, then kIo
  kFullWrite,   // a part is written, then kDiskFull
  kSync,        // of syncs alone
};

class SimDisk final : public storage::Disk {
 public:
  SimDisk();
  ~SimDisk() override;
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  // Calls of any kind, and those that may change something, which crash_at counts.
  [[nodiscard]] std::uint64_t calls() const;
  [[nodiscard]] std::uint64_t steps() const;

  // In step `step` the process dies: of this call happens nothing, a part, or all, and it and all
  // later ones fail.
  void crash_at(std::uint64_t step, std::uint64_t seed);
  void crash_now();
  [[nodiscard]] bool has_crashed() const;

  // The call with number `call` of those that `fault` can meet fails; and all after it.
  void fail_at(std::uint64_t call, Fault fault, bool for_ever);
  void fail_no_more();
  [[nodiscard]] bool has_failed() const;
  [[nodiscard]] bool has_failed_sync() const;  // ever
  [[nodiscard]] bool has_failed_read() const;  // ever

  // Only after these does a crashed disk work again. What was opened before never does.
  void kill();  // the system lives on: everything is there
  void cut_power(Survival survival, std::uint64_t seed);  // only what was synced is sure

  // Rot: inverts `bits` of a byte, on the platter and in memory. The file must be there.
  void flip(const std::string& path, std::int64_t position, std::byte bits);

  Result<std::unique_ptr<storage::File>> open(const std::string& path, Open how) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::shared_ptr<void>> lock(const std::string& path) override;

 private:
  friend class SimHandle;

  struct Node;
  using NodePtr = std::shared_ptr<Node>;

  struct NameChange {
    NodePtr directory;
    std::string name;
    NodePtr target;  // null: the name goes
  };

  using Change = std::vector<NameChange>;  // happens as a whole

  enum class Fate : std::uint8_t { kDone, kNotDone, kHalf, kRefused };

  enum class Kind : std::uint8_t { kRead, kChange, kGrow, kSync };

  void look() const;  // counts a call that changes nothing
  Fate step();        // counts one that does, and says what becomes of it
  std::optional<Error> fault(Kind kind) const;
  NodePtr find(const std::string& path) const;
  void change_names(Change change);
  void unlink_below(const NodePtr& directory);
  static void settle(const Change& change);
  void reach(const NodePtr& node, Survival survival, std::uint64_t& seed);

  mutable std::mutex mutex_;
  NodePtr root_;
  std::vector<Change> unsynced_;  // of names, in order
  std::map<std::string, std::weak_ptr<void>> locks_;
  Random random_{1};
  mutable std::uint64_t calls_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t crash_at_ = 0;  // 0: never
  bool crashed_ = false;
  mutable std::uint64_t fail_in_ = 0;  // calls; 0: never
  Fault fault_ = Fault::kIo;
  bool fails_for_ever_ = false;
  mutable bool failed_ = false;
  mutable bool failed_sync_ = false;
  mutable bool failed_read_ = false;
  std::uint64_t life_ = 0;  // handles of an earlier one are dead
};

}  // namespace xylem::sim
