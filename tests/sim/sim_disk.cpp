#include "tests/sim/sim_disk.h"

#include "common/check.h"

#include <algorithm>
#include <set>
#include <utility>

namespace xylem::sim {

using storage::File;

namespace {

std::unexpected<Error> dead() { return fail(Errc::kIo, "the process is dead"); }

std::unexpected<Error> missing(const std::string& path) {
  return fail(Errc::kNotFound, path + ": no such file or directory");
}

std::string name_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

struct SimDisk::Node {
  bool is_directory = false;
  std::map<std::string, NodePtr> now;  // of a directory
  std::map<std::string, NodePtr> durable;
  SimFile file;
};

// An open file. After the death of its process every call fails.
class SimHandle final : public File {
 public:
  SimHandle(SimDisk& disk, SimDisk::NodePtr node)
      : disk_(disk), node_(std::move(node)), life_(disk.life_) {}

  [[nodiscard]] Result<std::size_t> read_at(std::int64_t position,
                                            MutableBytes out) const override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.look();
    if (!is_alive()) return dead();
    if (auto error = disk_.fault(SimDisk::Kind::kRead)) return std::unexpected(*error);
    return node_->file.read(position, out);
  }

  Status write_at(std::int64_t position, std::span<const Bytes> pieces) override {
    Buffer all;
    for (const auto piece : pieces) append(piece, all);
    const bool grows = position + std::ssize(all) > file_size();
    return change(
        [&](SimDisk::Fate fate, bool fails) {
          auto bytes = Bytes(all);
          if (fails) {
            const bool part =
                disk_.fault_ == Fault::kShortWrite || disk_.fault_ == Fault::kFullWrite;
            bytes = bytes.first(part ? bytes.size() / 2 : 0);
          }
          if (fate == SimDisk::Fate::kHalf) {  // up to the end of some sector
            const auto end =
                position + static_cast<std::int64_t>(disk_.random_.below(bytes.size() + 1));
            const auto cut = end / kSectorBytes * kSectorBytes - position;
            bytes = bytes.first(static_cast<std::size_t>(std::max<std::int64_t>(0, cut)));
          }
          node_->file.write(position, bytes);
        },
        grows ? SimDisk::Kind::kGrow : SimDisk::Kind::kChange);
  }

  Status allocate(std::int64_t bytes) override {
    return change(
        [&](SimDisk::Fate, bool fails) {
          if (!fails) node_->file.allocate(bytes);
        },
        SimDisk::Kind::kGrow);
  }

  Status truncate(std::int64_t bytes) override {
    return change([&](SimDisk::Fate, bool fails) {
      if (!fails) node_->file.truncate(bytes);
    });
  }

  Status sync() override {
    return change(
        [&](SimDisk::Fate, bool fails) {
          if (fails)
            node_->file.fail_sync();
          else
            node_->file.sync();
        },
        SimDisk::Kind::kSync);
  }

  Status forget_cached() override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.look();
    if (!is_alive()) return dead();
    node_->file.forget_cached();
    return {};
  }

  [[nodiscard]] Result<std::int64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.look();
    if (!is_alive()) return dead();
    if (auto error = disk_.fault(SimDisk::Kind::kRead)) return std::unexpected(*error);
    return node_->file.size();
  }

  [[nodiscard]] Result<Slice> map(std::int64_t bytes) const override {
    const std::lock_guard lock(disk_.mutex_);
    disk_.look();
    if (!is_alive()) return dead();
    if (auto error = disk_.fault(SimDisk::Kind::kRead)) return std::unexpected(*error);
    return node_->file.map(bytes);
  }

  [[nodiscard]] int descriptor() const noexcept override { return -1; }

 private:
  [[nodiscard]] std::int64_t file_size() const {
    const std::lock_guard lock(disk_.mutex_);
    return node_->file.size();
  }

  [[nodiscard]] bool is_alive() const { return !disk_.crashed_ && life_ == disk_.life_; }

  template <class Do>
  Status change(const Do& act, SimDisk::Kind kind = SimDisk::Kind::kChange) {
    const std::lock_guard lock(disk_.mutex_);
    if (life_ != disk_.life_) return dead();
    const auto fate = disk_.step();
    const auto error = disk_.crashed_ ? std::nullopt : disk_.fault(kind);
    if (fate == SimDisk::Fate::kDone || fate == SimDisk::Fate::kHalf) act(fate, error.has_value());
    if (disk_.crashed_) return dead();
    return error ? Status(std::unexpected(*error)) : Status();
  }

  SimDisk& disk_;
  SimDisk::NodePtr node_;
  std::uint64_t life_;
};

SimDisk::SimDisk() : root_(std::make_shared<Node>()) { root_->is_directory = true; }

SimDisk::~SimDisk() = default;

std::uint64_t SimDisk::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::uint64_t SimDisk::steps() const {
  const std::lock_guard lock(mutex_);
  return steps_;
}

void SimDisk::crash_at(std::uint64_t step, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  crash_at_ = step;
  random_ = Random(seed);
}

void SimDisk::crash_now() {
  const std::lock_guard lock(mutex_);
  crashed_ = true;
}

bool SimDisk::has_crashed() const {
  const std::lock_guard lock(mutex_);
  return crashed_;
}

void SimDisk::look() const { ++calls_; }

void SimDisk::fail_at(std::uint64_t call, Fault fault, bool for_ever) {
  const std::lock_guard lock(mutex_);
  fail_in_ = call;
  fault_ = fault;
  fails_for_ever_ = for_ever;
  failed_ = false;
}

void SimDisk::fail_no_more() {
  const std::lock_guard lock(mutex_);
  fail_in_ = 0;
}

bool SimDisk::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

bool SimDisk::has_failed_sync() const {
  const std::lock_guard lock(mutex_);
  return failed_sync_;
}

bool SimDisk::has_failed_read() const {
  const std::lock_guard lock(mutex_);
  return failed_read_;
}

std::optional<Error> SimDisk::fault(Kind kind) const {
  const bool full = fault_ == Fault::kDiskFull || fault_ == Fault::kFullWrite;
  if (fail_in_ == 0 || (full && kind != Kind::kGrow)) return std::nullopt;
  if (fault_ == Fault::kSync && kind != Kind::kSync) return std::nullopt;
  if (fail_in_ > 1) return --fail_in_, std::nullopt;
  failed_ = true;
  failed_sync_ |= kind == Kind::kSync;
  failed_read_ |= kind == Kind::kRead;
  if (!fails_for_ever_) fail_in_ = 0;
  return full ? Error(Errc::kDiskFull, "no space left on device")
              : Error(Errc::kIo, "input/output error");
}

SimDisk::Fate SimDisk::step() {
  ++calls_;
  if (crashed_) return Fate::kRefused;
  if (++steps_ != crash_at_) return Fate::kDone;
  crashed_ = true;
  constexpr std::array kFates = {Fate::kDone, Fate::kNotDone, Fate::kHalf};
  return kFates.at(random_.below(kFates.size()));
}

void SimDisk::kill() {
  const std::lock_guard lock(mutex_);
  ++life_;
  locks_.clear();
  crashed_ = false;
  crash_at_ = 0;
  fail_in_ = 0;
}

void SimDisk::settle(const Change& change) {
  for (const auto& [directory, name, target] : change) {
    if (target == nullptr)
      directory->durable.erase(name);
    else
      directory->durable[name] = target;
  }
}

void SimDisk::cut_power(Survival survival, std::uint64_t seed) {
  kill();
  const std::lock_guard lock(mutex_);
  Random random(seed);
  std::set<std::pair<Node*, std::string>> broken;  // names of which a change is lost
  for (const auto& change : unsynced_) {
    bool kept = survival == Survival::kAll || (survival == Survival::kSome && random.below(2) == 0);
    for (const auto& each : change) kept &= !broken.contains({each.directory.get(), each.name});
    if (kept) {
      settle(change);
      continue;
    }
    for (const auto& each : change) broken.emplace(each.directory.get(), each.name);
  }
  unsynced_.clear();
  auto file_seed = random.next();
  reach(root_, survival, file_seed);
}

// What cannot be reached by durable names is gone.
void SimDisk::reach(const NodePtr& node, Survival survival, std::uint64_t& seed) {
  node->now = node->durable;
  if (!node->is_directory) node->file.cut_power(survival, ++seed);
  for (const auto& [name, below] : node->now) reach(below, survival, seed);
}

void SimDisk::flip(const std::string& path, std::int64_t position, std::byte bits) {
  const std::lock_guard lock(mutex_);
  const auto node = find(path);
  XYLEM_CHECK(node != nullptr && !node->is_directory && position < node->file.size());
  node->file.flip(position, bits);
}

SimDisk::NodePtr SimDisk::find(const std::string& path) const {
  auto node = root_;
  for (std::size_t at = 0; at < path.size() && node != nullptr;) {
    auto end = path.find('/', at);
    if (end == std::string::npos) end = path.size();
    if (end > at) {
      const auto found = node->now.find(path.substr(at, end - at));
      node = found == node->now.end() ? nullptr : found->second;
    }
    at = end + 1;
  }
  return node;
}

void SimDisk::change_names(Change change) {
  for (const auto& [directory, name, target] : change) {
    if (target == nullptr)
      directory->now.erase(name);
    else
      directory->now[name] = target;
  }
  unsynced_.push_back(std::move(change));
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, Open how) {
  const std::lock_guard lock(mutex_);
  auto node = find(path);
  if (how != Open::kCreate) {
    look();
    if (crashed_) return dead();
    if (auto error = fault(Kind::kRead)) return std::unexpected(*error);
    if (node == nullptr) return missing(path);
    return std::make_unique<SimHandle>(*this, node);
  }
  if (const auto fate = step(); fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kGrow); error && !crashed_) return std::unexpected(*error);
  if (node != nullptr) return fail(Errc::kAlreadyExists, path);
  const auto parent = find(storage::directory_of(path));
  if (parent == nullptr) return missing(path);
  node = std::make_shared<Node>();
  change_names({{parent, name_of(path), node}});
  if (crashed_) return dead();
  return std::make_unique<SimHandle>(*this, node);
}

Result<std::vector<std::string>> SimDisk::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  look();
  if (crashed_) return dead();
  if (auto error = fault(Kind::kRead)) return std::unexpected(*error);
  const auto node = find(directory);
  if (node == nullptr) return missing(directory);
  std::vector<std::string> names;
  for (const auto& [name, below] : node->now) names.push_back(name);
  return names;
}

Result<bool> SimDisk::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  look();
  if (crashed_) return dead();
  if (auto error = fault(Kind::kRead)) return std::unexpected(*error);
  return find(path) != nullptr;
}

Status SimDisk::make_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto fate = step();
  if (fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kGrow); error && !crashed_) return std::unexpected(*error);
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const auto part = path.substr(0, end);
    if (find(part) != nullptr) continue;
    auto made = std::make_shared<Node>();
    made->is_directory = true;
    const auto slash = part.rfind('/');
    change_names({{find(slash == std::string::npos ? "" : part.substr(0, slash)), name_of(part),
                   std::move(made)}});
    if (fate == Fate::kHalf) break;
  }
  return crashed_ ? Status(dead()) : Status();
}

Status SimDisk::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto fate = step();
  if (fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kChange); error && !crashed_) return std::unexpected(*error);
  const auto node = find(from);
  const auto target = find(storage::directory_of(to));
  if (node == nullptr || target == nullptr) return missing(from);
  change_names(
      {{find(storage::directory_of(from)), name_of(from), nullptr}, {target, name_of(to), node}});
  return crashed_ ? Status(dead()) : Status();
}

Status SimDisk::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto fate = step();
  if (fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kChange); error && !crashed_) return std::unexpected(*error);
  if (find(path) == nullptr) return missing(path);
  change_names({{find(storage::directory_of(path)), name_of(path), nullptr}});
  return crashed_ ? Status(dead()) : Status();
}

void SimDisk::unlink_below(const NodePtr& directory) {
  const auto names = directory->now;
  for (const auto& [name, below] : names) {
    if (below->is_directory) unlink_below(below);
    change_names({{directory, name, nullptr}});
  }
}

Status SimDisk::remove_all(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto fate = step();
  if (fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kChange); error && !crashed_) return std::unexpected(*error);
  if (const auto node = find(path); node != nullptr) {
    if (node->is_directory) unlink_below(node);
    if (fate == Fate::kDone)
      change_names({{find(storage::directory_of(path)), name_of(path), nullptr}});
  }
  return crashed_ ? Status(dead()) : Status();
}

Status SimDisk::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto fate = step();
  if (fate == Fate::kRefused || fate == Fate::kNotDone) return dead();
  if (auto error = fault(Kind::kSync); error && !crashed_) return std::unexpected(*error);
  const auto node = find(path);
  if (node == nullptr) return missing(path);
  std::erase_if(unsynced_, [&](const Change& change) {
    const bool here =
        std::ranges::any_of(change, [&](const auto& each) { return each.directory == node; });
    if (here) settle(change);
    return here;
  });
  return crashed_ ? Status(dead()) : Status();
}

Result<std::shared_ptr<void>> SimDisk::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  look();
  if (crashed_) return dead();
  if (auto error = fault(Kind::kRead)) return std::unexpected(*error);
  if (!locks_[path].expired()) return fail(Errc::kAlreadyExists, path + " is locked");
  auto held = std::make_shared<int>(0);
  locks_[path] = held;
  return held;
}

}  // namespace xylem::sim
