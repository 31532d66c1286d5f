// What a client knows of topics: how many partitions, and who leads each.
//
// Brokers learn of changes at different times: what is known of a newer epoch is not replaced by an
// answer about an older one, and a hint only by an answer about a newer one, or by drop_hints().
#pragma once

#include "common/ids.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {

class MetadataCache {
 public:
  void update(const MetadataAnswer& answer);

  // nullopt: the topic is not known.
  [[nodiscard]] std::optional<std::int32_t> partition_count(std::string_view topic) const;
  [[nodiscard]] std::optional<Incarnation> incarnation(std::string_view topic) const;

  // nullopt: not known, none now, or no address.
  [[nodiscard]] std::optional<Address> leader(std::string_view topic, PartitionId partition) const;

  [[nodiscard]] bool is_leader(const Address& broker) const;  // of any partition

  // The hint of a NOT_LEADER answer.
  void set_leader(std::string_view topic, PartitionId partition, const Address& leader);

  // `leader` could not be reached: believe answers again.
  void drop_hints(const Address& leader);

  // The last answer about it said that it is not there.
  [[nodiscard]] bool is_unknown(std::string_view topic) const;

 private:
  struct Partition {
    Epoch epoch = kNoEpoch;
    std::optional<Address> leader;
    bool is_hint = false;

    [[nodiscard]] bool is_newer_than(const Partition& other) const;
  };

  struct Topic {
    Incarnation incarnation;
    std::vector<Partition> partitions;
  };

  static Topic merged(const TopicMetadata& fresh, const Topic* known);

  std::map<std::string, Topic, std::less<>> topics_;
  std::set<std::string, std::less<>> unknown_;
};

}  // namespace xylem::network
