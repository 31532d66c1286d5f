// How much memory the tails of all logs of an engine may keep of what is on disk already.
//
// Logs that have not moved for the longest time give theirs up first.
// Threads: the writers' loop.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>

namespace xylem::storage {

class TailHolder {
 public:
  virtual ~TailHolder() = default;

  // Drop what can be read from disk. Must not call back.
  virtual void give_up_tail() = 0;
  [[nodiscard]] virtual std::size_t tail_bytes() const = 0;
};

class TailBudget {
 public:
  static constexpr std::size_t kLogMax = 1024UL * 1024;      // bytes one log keeps
  static constexpr std::size_t kAllMax = 4 * 1024UL * 1024;  // bytes all logs keep

  // `log` moved: it is the newest. Others may lose their tails.
  void touch(TailHolder& log);
  void forget(TailHolder& log);

 private:
  struct Entry {
    std::size_t bytes = 0;
    std::list<TailHolder*>::iterator place;
  };

  void set_bytes(TailHolder& log);

  std::list<TailHolder*> oldest_first_;
  std::unordered_map<TailHolder*, Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace xylem::storage
