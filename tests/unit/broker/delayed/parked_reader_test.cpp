// Parked records are brought together from a log that may be damaged.
#include "broker/delayed/parked_reader.h"

#include "broker/delayed/parked.h"
#include "broker/partitions/partition.h"
#include "common/batch/batch_builder.h"
#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

namespace xylem::broker {
namespace {

using testing::FakeLog;
using Progress = ParkedReader::Progress;

class NoReplicas final : public Replication {
 public:
  void log_moved(Partition& /*partition*/) override {}

  [[nodiscard]] Status may_append(const LogId& /*log*/, Acks /*acks*/) const override { return {}; }

  [[nodiscard]] std::uint16_t synced_at(const LogId& /*log*/, Offset /*end*/) const override {
    return 1;
  }

  [[nodiscard]] std::uint64_t leader_age_ms() const override { return 0; }
};

struct World {
  World() {
    for (int i = 0; i < 3; ++i) {
      const Record produced{.key = "k", .value = "v" + std::to_string(i), .headers = {}};
      BatchBuilder inner;
      REQUIRE(inner.add(produced));
      const auto batch = *inner.build();
      auto reader = *BatchReader::open(batch);
      const auto record = reader.next();
      REQUIRE((record && *record));
      BatchBuilder builder;
      REQUIRE(builder.add(
          parked_record(**record, {TopicId::from_words(1, 2), PartitionId(0)}, 5, Offset(i))));
      REQUIRE(log->append(*builder.build(), Epoch(1)));
    }
    partition.lead(Epoch(1));
    partition.commit(Offset(3));
  }

  Progress read_on(ParkedReader& reader) {
    const auto progress = reader.read_on(*log, partition.high_watermark());
    REQUIRE(progress);
    return *progress;
  }

  std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>();
  SystemClock clock;
  NoReplicas replicas;
  Partition partition{"__delayed", log, clock, &replicas};
};

TEST_CASE("parked reader: all that is asked for, as it was produced") {
  World world;
  ParkedReader reader({Offset(2), Offset(0)});
  REQUIRE(world.read_on(reader) == Progress::kDone);
  const auto found = reader.take_found();
  REQUIRE(found.size() == 2);
  CHECK(found.at(Offset(0)).record.value == "v0");
  CHECK(found.at(Offset(2)).due_ms == 5);
  CHECK(reader.found().empty());
}

TEST_CASE("parked reader: delayed records behind damage are not lost while replicas have them") {
  World world;
  world.partition.set_others_have_all(true);
  CHECK_FALSE(world.partition.is_to_be_filled());
  world.log->lose(Offset(1), Offset(2));
  CHECK(world.partition.is_to_be_filled());
  ParkedReader reader({Offset(0), Offset(1), Offset(2)});
  CHECK(world.read_on(reader) == Progress::kHeld);
  CHECK(reader.found().size() == 1);
  CHECK(world.read_on(reader) == Progress::kHeld);
  // Alone with the damage: the rest is what there is.
  world.partition.set_others_have_all(false);
  CHECK_FALSE(world.partition.is_to_be_filled());
  CHECK(world.read_on(reader) == Progress::kDone);
  CHECK(reader.found().size() == 2);
}

}  // namespace
}  // namespace xylem::broker
