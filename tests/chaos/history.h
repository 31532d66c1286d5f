// What one producer knows of its records, held against what a consumer of the log finds.
//
// Every record's value is its sequence number, so the check is linear: an acknowledged one that is
// missing is lost; one that was never sent is a phantom; a first appearance below an earlier one of
// its partition is reordered. A record found again is a duplicate; only one that was sent more than
// once, because its fate was unknown, may have any: the driver decides how many are too many.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace xylem::chaos {

class History {
 public:
  // The next sequence number; its record is under way.
  std::uint64_t send();
  void acknowledged(std::uint64_t sequence);

  void found(std::int32_t partition, std::string_view value);

  struct Verdict {
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t found = 0;
    std::uint64_t lost = 0;
    std::uint64_t phantoms = 0;
    std::uint64_t reordered = 0;
    std::uint64_t duplicates = 0;

    [[nodiscard]] bool is_good() const { return lost + phantoms + reordered == 0; }
  };

  // After everything was found.
  [[nodiscard]] Verdict verdict() const;

  [[nodiscard]] std::uint64_t acknowledged_count() const { return verdict_.acknowledged; }

  [[nodiscard]] bool has_all_acknowledged() const {
    return acknowledged_and_found_ == verdict_.acknowledged;
  }

 private:
  struct Fate {
    bool is_acknowledged = false;
    bool is_found = false;
  };

  std::vector<Fate> fates_;                        // by sequence
  std::map<std::int32_t, std::uint64_t> highest_;  // by partition
  std::uint64_t acknowledged_and_found_ = 0;
  Verdict verdict_;
};

}  // namespace xylem::chaos
