#include "network/client/metadata_cache.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

constexpr PartitionId kFirst{0};
const Address kOld{.host = "old", .port = 1};
const Address kNew{.host = "new", .port = 2};

MetadataAnswer answer_of(const Address& leader, std::int32_t epoch, std::uint64_t topic_id = 1) {
  MetadataAnswer answer;
  answer.topics.push_back(
      {.name = "t",
       .incarnation = {.topic = Uuid::from_words(0, topic_id)},
       .partitions = {
           {.partition = kFirst, .leader_address = leader.text(), .epoch = Epoch(epoch)}}});
  return answer;
}

TEST_CASE("metadata: what an answer says, and what it takes back") {
  MetadataCache cache;
  CHECK_FALSE(cache.partition_count("t"));
  cache.update(answer_of(kOld, 1));
  CHECK(cache.partition_count("t") == 1);
  CHECK(cache.leader("t", kFirst) == kOld);
  CHECK(cache.is_leader(kOld));
  CHECK_FALSE(cache.leader("t", PartitionId(1)));
  CHECK_FALSE(cache.is_unknown("t"));
  cache.update({.topics = {}, .unknown = {"t"}});
  CHECK(cache.is_unknown("t"));
  CHECK_FALSE(cache.partition_count("t"));
}

TEST_CASE("metadata: an answer about an older epoch changes nothing") {
  MetadataCache cache;
  cache.update(answer_of(kNew, 2));
  cache.update(answer_of(kOld, 1));
  CHECK(cache.leader("t", kFirst) == kNew);
  cache.update(answer_of(kOld, 1, 9));  // another topic of that name
  CHECK(cache.leader("t", kFirst) == kOld);
}

TEST_CASE("metadata: a hint holds against answers of its epoch until its broker is lost") {
  MetadataCache cache;
  cache.update(answer_of(kOld, 1));
  cache.set_leader("t", kFirst, kNew);
  cache.update(answer_of(kOld, 1));
  CHECK(cache.leader("t", kFirst) == kNew);
  cache.drop_hints(kNew);
  cache.update(answer_of(kOld, 1));
  CHECK(cache.leader("t", kFirst) == kOld);
  cache.set_leader("t", kFirst, kNew);
  cache.update(answer_of(kOld, 2));
  CHECK(cache.leader("t", kFirst) == kOld);
}

TEST_CASE("metadata: partition numbers out of range, and addresses that are none") {
  MetadataCache cache;
  auto answer = answer_of(kOld, 1);
  answer.topics[0].partitions[0].partition = PartitionId(5);
  cache.update(answer);
  CHECK(cache.partition_count("t") == 1);
  CHECK_FALSE(cache.leader("t", kFirst));
  answer = answer_of(kOld, 1);
  answer.topics[0].partitions[0].leader_address = "nonsense";
  cache.update(answer);
  CHECK_FALSE(cache.leader("t", kFirst));
}

}  // namespace
}  // namespace xylem::network
