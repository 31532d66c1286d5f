// A view that is lost: made again from the record log, or by the broker where the log cannot.
#include "consumer-app/rebuild.h"

#include "tests/support/delivered_batches.h"
#include "tests/support/files.h"
#include "tests/unit/consumer-app/daemon.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

// A daemon that was whole, and is stopped.
struct Lost : Daemon {
  Lost() {
    auto& broker = world.first;
    broker.add_topic("t", 2);
    broker.append("t", 0, {"a", "b", "c"});
    broker.append("t", 1, {"d"});
    auto& log = broker.topics.at("t").partitions[0];
    log.batches.push_back(make_batch(3, {{"k-b", std::nullopt}, {"k-c", "newer"}}));
    log.end = Offset(5);
    broker.push_all();
    start();
    REQUIRE(until_whole());
    REQUIRE(until_value("k-c", "newer"));
    REQUIRE(until_value("k-d", "d"));
    tag = current().tag;
    stop();
    // The last connection to close was not the writer's, which leaves all in the write-ahead log.
    REQUIRE(ViewStore::open(view_path(), view_options()));
    std::filesystem::copy_file(view_path(), closed_view());
  }

  [[nodiscard]] std::string closed_view() const { return directory.file("closed.db"); }

  void check_values() {
    CHECK(value("k-a") == "a");
    CHECK(value("k-b") == "-");
    CHECK(value("k-c") == "newer");
    CHECK(value("k-d") == "d");
    CHECK(current().keys == 3);
    CHECK(current().records == 6);
    CHECK(current().cursors == Cursors{{PartitionId(0), Offset(5)}, {PartitionId(1), Offset(1)}});
  }

  // It must be asked for nothing of what the log has.
  void check_without_broker() {
    world.first.stop();
    start();
    REQUIRE(until_whole());
    check_values();
    CHECK(current().tag == tag);
    REQUIRE(world.until([&] { return stream->is_started(); }));
    CHECK(stream->topic("t")->is_whole());
    CHECK(stream->topic("t")->cursor(PartitionId(0))->offset == Offset(5));
  }

  std::uint32_t tag = 0;
};

TEST_CASE("rebuild: a view that was removed comes back from the log, without a broker") {
  Lost daemon;
  daemon.lose_view();
  daemon.check_without_broker();
}

TEST_CASE("rebuild: so does one that is full of garbage, which is set aside") {
  for (const auto& garbage :
       {std::string("no"), std::string(100'000, 'x'), std::string(8'192, '\0')}) {
    Lost daemon;
    daemon.lose_view();
    write_text(daemon.view_path(), garbage);
    daemon.check_without_broker();
    CHECK(std::filesystem::exists(daemon.view_path() + ".damaged"));
  }
}

TEST_CASE("rebuild: a file that ends too early counts as damaged") {
  Lost daemon;
  daemon.lose_view();
  std::filesystem::copy_file(daemon.closed_view(), daemon.view_path());
  std::filesystem::resize_file(daemon.view_path(), 4'096);
  daemon.check_without_broker();
}

TEST_CASE("rebuild: what came meanwhile follows from the broker, each record once") {
  Lost daemon;
  daemon.lose_view();
  daemon.world.first.append("t", 0, {"late"});
  daemon.start();
  REQUIRE(daemon.until_value("k-late", "late"));
  CHECK(daemon.current().records == 7);
  CHECK(daemon.current().tag == daemon.tag);
  CHECK(daemon.world.first.subscribes.back().partitions[0].offset == Offset(5));
}

TEST_CASE("rebuild: a stop in the middle goes on where it was") {
  Lost daemon;
  daemon.lose_view();
  {
    auto store = ViewStore::open(daemon.view_path(), daemon.view_options());
    REQUIRE(store);
    const auto incarnation = daemon.world.first.topics.at("t").incarnation;
    auto part =
        apply_of(0, {{"k-a", "a"}, {"k-b", "b"}, {"k-c", "c"}}, Copy::kCurrent, incarnation);
    const std::vector<Change> begun = {
        RestoreCopy{"t",
                    incarnation,
                    daemon.tag,
                    {{PartitionId(0), {Offset(), true}}, {PartitionId(1), {Offset(), true}}}},
        part};
    REQUIRE((*store)->apply(begun));
  }
  daemon.check_without_broker();
}

TEST_CASE("rebuild: a copy that was never whole, or whose log is short, comes from the broker") {
  Lost daemon;
  daemon.lose_view();
  bool all_is_new = false;
  SUBCASE("nothing says that it was whole") {
    std::filesystem::remove(daemon.view_options().origins_path);
  }
  SUBCASE("what says so is damaged") {
    write_text(daemon.view_options().origins_path, "00000000\n{}");
  }
  SUBCASE("the log has lost its end") {
    const LogId id{daemon.world.first.topics.at("t").incarnation, PartitionId(0)};
    auto log = daemon.storage->open({"t", id}, {});
    REQUIRE(log);
    REQUIRE((*log)->cut_back(Offset(0)));
  }
  SUBCASE("the log is gone") {
    for (const auto& name : daemon.storage->logs()) REQUIRE(daemon.storage->remove(name.id));
    all_is_new = true;
  }
  daemon.start();
  REQUIRE(daemon.until_whole());
  REQUIRE(daemon.until_value("k-c", "newer"));
  REQUIRE(daemon.until_value("k-d", "d"));
  daemon.check_values();
  CHECK(daemon.current().tag != daemon.tag);
  // Of what the log holds anew it is sure; of what it held before, not.
  CHECK(daemon.world.until([&] {
    const auto origins = load_origins(daemon.disk, daemon.view_options().origins_path);
    return origins && origins->contains("t") == all_is_new;
  }));
}

}  // namespace
}  // namespace xylem::consumer_app
