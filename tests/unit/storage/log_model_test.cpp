// Random operations on both engines, held to the model after each step.
#include "tests/unit/storage/support/log_model.h"

#include "common/random.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <filesystem>

namespace xylem::storage::testing {
namespace {

LogOptions small_segments() {
  LogOptions options;
  options.segment_bytes_max = 3'000;
  return options;
}

class Walk {
 public:
  Walk(const std::string& type, std::uint64_t seed)
      : random_(seed),
        node_(std::make_unique<Node>(type, directory_.file("data"))),
        log_(node_->open(small_segments())) {}

  void step() {
    const auto what = random_.below(20);
    if (what < 8) {
      append();
    } else if (what < 11) {
      append_as_is();
    } else if (what < 13) {
      cut_back();
    } else if (what < 14) {
      drop_before();
    } else if (what < 16) {
      node_->settle(*log_);
    } else if (what < 18 && node_->type == "mmap") {
      reopen(what == 16);
    }
    check();
  }

 private:
  Buffer some_batch() {
    time_ += static_cast<std::int64_t>(random_.below(100)) - 30;
    return batch_of(1 + static_cast<int>(random_.below(4)), random_.below(300), time_);
  }

  void append() {
    const auto batch = some_batch();
    if (random_.below(8) == 0) epoch_ = epoch_ + 1;
    auto base = log_->append(batch, epoch_);
    REQUIRE(base);
    CHECK(*base == model_.end);
    model_.add(placed(batch, *base, epoch_));
  }

  void append_as_is() {
    Buffer batches;
    const auto count = 1 + random_.below(3);
    LogModel grown = model_;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto hole = static_cast<std::int64_t>(random_.below(2) * random_.below(20));
      const auto batch = placed(some_batch(), grown.end + hole, epoch_);
      grown.add(batch);
      xylem::append(batch, batches);
    }
    REQUIRE(log_->append_as_is(batches));
    model_ = grown;
  }

  Offset somewhere() {
    const auto span = static_cast<std::uint64_t>(model_.end - model_.start) + 4;
    const auto back =
        static_cast<std::int64_t>(random_.below(std::min<std::uint64_t>(span, 40) + 8));
    return Offset(std::max<std::int64_t>(0, model_.end.value() + 3 - back));
  }

  void cut_back() {
    const auto offset = somewhere();
    REQUIRE(log_->cut_back(offset));
    model_.cut_back(offset);
  }

  void drop_before() {
    const auto offset = model_.start + static_cast<std::int64_t>(random_.below(30));
    REQUIRE(log_->drop_before(offset));
    model_.drop_before(offset);
  }

  // Clean, or as a kill leaves it: the files of a settled log are copied while it runs.
  void reopen(bool clean) {
    node_->settle(*log_);
    const auto before = directory_.file("data");
    const auto copy = directory_.file("copy");
    if (!clean) copy_in_use(before, copy);
    log_.reset();
    node_ = nullptr;
    if (!clean) {
      std::filesystem::remove_all(before);
      std::filesystem::rename(copy, before);
    }
    node_ = std::make_unique<Node>("mmap", before);
    log_ = node_->open(small_segments());
    CHECK(log_->synced_end() == model_.end);
  }

  void check() {
    CHECK(log_->start_offset() == model_.start);
    CHECK(log_->end_offset() == model_.end);
    CHECK(log_->written_end() <= model_.end);
    if (random_.below(3) != 0) return;
    node_->settle(*log_);
    REQUIRE(log_->health());
    const auto from = model_.start +
                      static_cast<std::int64_t>(
                          random_.below(static_cast<std::uint64_t>(model_.end - model_.start) + 1));
    Buffer read;
    const std::size_t bytes_max = 1 + random_.below(4'000);
    for (auto cursor = from;;) {
      auto part = log_->read(cursor, bytes_max, kAll);
      REQUIRE(part);
      if (part->bytes == 0) break;
      xylem::append(bytes_in(*part), read);
      cursor = part->next;
    }
    CHECK(read == model_.read_all(from));
    const auto offset = somewhere();
    auto last = log_->last_batch_below(offset);
    REQUIRE(last);
    const auto expected = model_.last_below(offset);
    if (expected) CHECK((*last && (*last)->base_offset == *expected));
    const auto time = time_ - static_cast<std::int64_t>(random_.below(400));
    CHECK(log_->offset_for_time(time) == model_.offset_for_time(time));
  }

  Random random_;
  TemporaryDirectory directory_{fast_directory()};
  std::unique_ptr<Node> node_;
  std::shared_ptr<PartitionLog> log_;
  LogModel model_;
  Epoch epoch_{0};
  std::int64_t time_ = 10'000;
};

TEST_CASE("log: random operations match a simple model") {
  for (const std::string type : {"memory", "mmap"}) {
    const std::uint64_t seeds = type == "mmap" ? 6 : 20;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      CAPTURE(type);
      CAPTURE(seed);
      Walk walk(type, seed);
      for (int i = 0; i < 150; ++i) {
        CAPTURE(i);
        walk.step();
      }
    }
  }
}

}  // namespace
}  // namespace xylem::storage::testing
