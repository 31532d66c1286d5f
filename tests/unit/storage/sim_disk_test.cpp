// The disk that loses power keeps what a disk must keep, and nothing more.
#include "tests/sim/sim_disk.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

namespace xylem::sim {
namespace {

using storage::Disk;
using storage::File;

void write(File& file, std::int64_t position, std::string_view text) {
  const std::array pieces = {bytes_of(text)};
  REQUIRE(file.write_at(position, pieces));
}

std::string content(SimDisk& disk, const std::string& path) {
  const auto file = storage::read_file(disk, path, 1'000'000);
  return file ? std::string(text_of(*file)) : "none";
}

std::unique_ptr<File> made(SimDisk& disk, const std::string& path) {
  auto file = disk.open(path, Disk::Open::kCreate);
  REQUIRE(file);
  return std::move(*file);
}

// In "/d", which is there for good.
struct Fixture {
  Fixture() {
    REQUIRE(disk.make_directories("/d"));
    REQUIRE(disk.sync_directory("/"));
  }

  SimDisk disk;
};

TEST_CASE_FIXTURE(Fixture, "sim disk: a power cut leaves what was synced, name and content apart") {
  auto named = made(disk, "/d/named");
  write(*named, 0, "lost");
  REQUIRE(disk.sync_directory("/d"));
  auto nameless = made(disk, "/d/nameless");
  write(*nameless, 0, "kept for nobody");
  REQUIRE(nameless->sync());
  auto both = made(disk, "/d/both");
  write(*both, 0, "kept");
  REQUIRE(both->sync());
  disk.kill();
  CHECK(content(disk, "/d/named") == "lost");  // the system lives on
  CHECK(content(disk, "/d/nameless") == "kept for nobody");
  CHECK_FALSE(both->size());  // its process is dead
  REQUIRE(disk.rename("/d/both", "/d/renamed"));
  REQUIRE(disk.remove("/d/nameless"));
  disk.cut_power(Survival::kNone, 1);
  CHECK(disk.list("/d").value() == std::vector<std::string>{"named"});
  CHECK(content(disk, "/d/named").empty());
}

TEST_CASE_FIXTURE(Fixture, "sim disk: of what was not synced any part survives, sector by sector") {
  std::set<std::string> states;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    const auto path = "/d/" + std::to_string(seed);
    auto file = made(disk, path);
    write(*file, 0, std::string(2 * kSectorBytes, 'a'));
    REQUIRE(file->sync());
    REQUIRE(disk.sync_directory("/d"));
    write(*file, 0, std::string(2 * kSectorBytes, 'b'));
    write(*file, 2 * kSectorBytes, "c");
    disk.cut_power(Survival::kSome, seed);
    const auto all = content(disk, path);
    std::string state;
    for (std::size_t at = 0; at < all.size(); at += kSectorBytes) {
      const auto sector = all.substr(at, kSectorBytes);
      CHECK(sector.find_first_not_of(sector.front()) == std::string::npos);  // never torn inside
      state += sector.front();
    }
    states.insert(state);
  }
  // Lost, kept, reordered; a size without its bytes; bytes without their size.
  for (const std::string state : {"aa", "bb", "ab", "ba", "aac", "bbc"})
    CHECK(states.contains(state));
  CHECK(states.contains(std::string("bb") + '\0'));
}

TEST_CASE_FIXTURE(Fixture,
                  "sim disk: names survive in any combination, each name's changes in order") {
  std::set<std::vector<std::string>> states;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SimDisk other;
    (void)made(other, "/one");
    (void)made(other, "/two");
    REQUIRE(other.rename("/one", "/three"));
    other.cut_power(Survival::kSome, seed);
    states.insert(other.list("/").value());
  }
  CHECK(states == std::set<std::vector<std::string>>{
                      {}, {"two"}, {"one"}, {"three"}, {"one", "two"}, {"three", "two"}});
}

TEST_CASE_FIXTURE(Fixture, "sim disk: a crash lets the call happen, or not, or in part") {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto path = "/d/" + std::to_string(seed);
    auto file = made(disk, path);
    disk.crash_at(disk.steps() + 1, seed);
    const std::string text(3 * kSectorBytes, 'x');
    const std::array pieces = {bytes_of(text)};
    CHECK_FALSE(file->write_at(0, pieces));
    CHECK(disk.has_crashed());
    CHECK_FALSE(file->sync());
    CHECK_FALSE(disk.list("/d"));
    disk.kill();
    sizes.insert(content(disk, path).size() / kSectorBytes);
  }
  CHECK(sizes == std::set<std::size_t>{0, 1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "sim disk: the same seed gives the same bytes") {
  const auto after = [](std::uint64_t seed) {
    SimDisk other;
    for (int i = 0; i < 8; ++i) {
      auto file = made(other, "/" + std::to_string(i));
      write(*file, 0, std::string(3'000, 'x'));
    }
    other.cut_power(Survival::kSome, seed);
    std::string all;
    const auto names = other.list("/").value();
    for (const auto& name : names) all += name + content(other, "/" + name);
    return all;
  };
  CHECK(after(5) == after(5));
  CHECK(after(5) != after(6));
}

TEST_CASE_FIXTURE(Fixture, "sim disk: a map is a picture, a lock has one holder and dies with it") {
  auto file = made(disk, "/d/f");
  write(*file, 0, "before");
  const auto map = file->map(6);
  REQUIRE(map);
  write(*file, 6, "behind");
  CHECK(text_of(map->bytes) == "before");
  auto held = disk.lock("/d/lock");
  REQUIRE(held);
  CHECK_FALSE(disk.lock("/d/lock"));
  disk.kill();
  CHECK(disk.lock("/d/lock"));
}

}  // namespace
}  // namespace xylem::sim
