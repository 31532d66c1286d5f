// What a node cannot rebuild: group offsets, leaderships, refresh states. <data>/state.db, rows of
// (kind, key) -> value.
//
// Every write is synced before its callback runs (SQLite, synchronous=FULL). Each row carries a
// CRC-32C over kind, key and value; one that does not match is kCorrupt, never served. All are
// looked at when the file is opened: in a damaged one, rows that prove themselves can be got, and
// all else is kCorrupt, since a row that is not found may only be hidden.
//
// Owns: the database and the thread that works on it.
// Threads: calls on the loop's; callbacks there too, in the order of the calls. After destruction
// no callback runs; what was accepted is written. Errors: kIo, kDiskFull, kCorrupt; kUnavailable:
// too many requests wait.
#pragma once

#include "common/bytes.h"
#include "common/loop.h"
#include "common/result.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

struct StateRow {
  std::string kind;
  std::string key;
  Buffer value;

  bool operator==(const StateRow&) const = default;
};

// What is wrong with a state.db that no process has open, or that one uses meanwhile: row by row.
// Errors: it cannot be opened at all.
Result<std::vector<std::string>> check_state(const std::string& path);

class StateStore {
 public:
  using Done = std::function<void(Status)>;
  using Found = std::function<void(Result<std::optional<Buffer>>)>;
  using Rows = std::function<void(Result<std::vector<StateRow>>)>;

  // Creates the file when it is missing.
  static Result<std::unique_ptr<StateStore>> open(const std::string& path, Loop& loop);

  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  void get(std::string kind, std::string key, Found found);
  void put(std::string kind, std::string key, Buffer value, Done done);

  // All or none of them.
  void put_all(std::vector<StateRow> rows, Done done);
  void remove(std::string kind, std::string key, Done done);
  void remove_all(std::string kind, std::vector<std::string> keys, Done done);  // all or none

  // Every row of the kind, by key.
  void scan(std::string kind, Rows rows);

 private:
  class Impl;
  explicit StateStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::storage
