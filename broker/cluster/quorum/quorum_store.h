// What a member of the metadata quorum keeps on its disk: term, vote, entries, snapshot.
//
// One file holds it all, <number>.quorum in the store's directory; the highest number counts. It is
// a row of frames, each written and synced before the next one begins (big-endian):
//
//   "XQRM" | sequence u64 | payload bytes u32 | CRC-32C u32 of the 12 bytes before and the payload
//   | payload: records, each
//     1 term u64                       the vote of the older term is void
//     2 vote u64                       in this term, for that member; 0: none
//     3 index u64, term u64, type u16, bytes u32, data
//     4 index u64                      entries from it on are gone
//     5 index u64, term u64, configuration index u64, bytes u32, configuration, bytes u32, state
//     6 joins u64                      1: this disk takes the place of a lost one; 0: no more
//
// A snapshot begins a new file: itself, the term, the vote, the entries that stay. The new file is
// whole and durable before it gets its name, so a start finds the old one or the new one.
//
// A last frame that is not whole was never acknowledged: a start cuts it off. A bad frame with a
// good one behind it is damage, and the start fails (kCorrupt): a member that forgot a vote or an
// entry could break the quorum's promises. Rotten bytes in the very last frame look like the
// former.
//
// Errors: kDiskFull: nothing changed, try again; all others: the store is fenced until it is opened
// anew. Threads: any, one at a time. Calls return when what they say is on stable storage.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xylem::storage {
class Disk;
class File;
}  // namespace xylem::storage

namespace xylem::broker {

struct QuorumEntry {
  std::uint64_t term = 0;
  std::uint16_t type = 0;
  Buffer data;

  bool operator==(const QuorumEntry&) const = default;
};

struct QuorumSnapshot {
  std::uint64_t index = 0;  // of the last entry in it
  std::uint64_t term = 0;   // of that entry
  std::uint64_t configuration_index = 0;
  Buffer configuration;
  Buffer state;

  bool operator==(const QuorumSnapshot&) const = default;
};

struct QuorumContent {
  std::uint64_t term = 0;
  std::uint64_t vote = 0;
  bool is_joining = false;
  std::optional<QuorumSnapshot> snapshot;
  std::uint64_t start_index = 1;  // of the first entry
  std::vector<QuorumEntry> entries;

  [[nodiscard]] std::uint64_t next_index() const { return start_index + entries.size(); }

  bool operator==(const QuorumContent&) const = default;
};

class QuorumStore {
 public:
  // Makes the directory where there is none. Fails with kCorrupt as said above.
  static Result<std::unique_ptr<QuorumStore>> open(storage::Disk& disk, std::string directory);

  ~QuorumStore();
  QuorumStore(const QuorumStore&) = delete;
  QuorumStore& operator=(const QuorumStore&) = delete;

  [[nodiscard]] const QuorumContent& content() const { return content_; }

  Status set_term(std::uint64_t term);
  Status set_vote(std::uint64_t member);
  Status set_joining(bool is_joining);
  Status append(std::span<const QuorumEntry> entries);
  Status cut(std::uint64_t index);

  // Of the entries below its end the last `trailing` ones stay; 0: no entry stays at all.
  Status put_snapshot(QuorumSnapshot snapshot, std::uint64_t trailing);

 private:
  QuorumStore(storage::Disk& disk, std::string directory);

  Status load();
  Status load_file(std::uint64_t number);
  Status begin_file(std::uint64_t number, const QuorumContent& content);
  Status write(Bytes records);
  [[nodiscard]] Status fenced(Error error);
  [[nodiscard]] std::string path(std::uint64_t number) const;

  storage::Disk& disk_;
  std::string directory_;
  QuorumContent content_;
  std::unique_ptr<storage::File> file_;
  std::uint64_t number_ = 0;    // of the file
  std::uint64_t sequence_ = 0;  // of the next frame
  std::int64_t end_ = 0;        // of the last one
  std::optional<Error> fenced_;
};

// What a file holds, and where its last whole frame ends. kCorrupt: damage, or no quorum's file.
struct QuorumFile {
  QuorumContent content;
  std::uint64_t next_sequence = 0;
  std::size_t end = 0;
};

Result<QuorumFile> decode_quorum_file(Bytes file);

}  // namespace xylem::broker
