#include "storage/disk.h"
#include "storage/published.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace xylem::storage {
namespace {

TEST_CASE("disk: files are created once, written in pieces, read back and mapped") {
  const TemporaryDirectory directory;
  PosixDisk disk;
  const auto path = directory.file("f");
  CHECK(disk.open(path, Disk::Open::kRead).error().code() == Errc::kNotFound);
  auto file = disk.open(path, Disk::Open::kCreate);
  REQUIRE(file);
  CHECK(disk.open(path, Disk::Open::kCreate).error().code() == Errc::kAlreadyExists);
  std::vector<Bytes> pieces(1'000, bytes_of("ab"));  // more than one pwritev takes
  pieces.push_back(bytes_of("end"));
  REQUIRE((*file)->write_at(3, pieces));
  CHECK((*file)->size() == 3 + 2'003);
  std::array<std::byte, 10> tail{};
  CHECK((*file)->read_at(3 + 2'000, tail) == 3);  // the end of the file
  CHECK(text_of(Bytes(tail).first(3)) == "end");
  REQUIRE((*file)->allocate(10'000));
  CHECK((*file)->size() == 10'000);
  const auto mapped = (*file)->map(4'096);
  REQUIRE(mapped);
  file->reset();
  REQUIRE(disk.remove(path));
  CHECK(text_of(mapped->bytes.subspan(3, 4)) == "abab");
  CHECK(mapped->bytes[4'000] == std::byte{0});
}

TEST_CASE("disk: a file is replaced as a whole") {
  const TemporaryDirectory directory;
  PosixDisk disk;
  const auto path = directory.file("f");
  write_text(path + ".new", "left by a crash");
  REQUIRE(replace_file(disk, path, bytes_of("one")));
  REQUIRE(replace_file(disk, path, bytes_of("two")));
  CHECK(read_text(path) == "two");
  CHECK(disk.list(directory.path()).value() == std::vector<std::string>{"f"});
  CHECK(read_file(disk, path, 2).error().code() == Errc::kCorrupt);
}

TEST_CASE("disk: a lock has one holder and goes with it") {
  const TemporaryDirectory directory;
  PosixDisk disk;
  auto held = disk.lock(directory.file("lock"));
  REQUIRE(held);
  CHECK(disk.lock(directory.file("lock")).error().code() == Errc::kAlreadyExists);
  held->reset();
  CHECK(disk.lock(directory.file("lock")));
}

TEST_CASE("published: readers see whole values while a writer replaces them") {
  struct Pair {
    int one;
    int two;
  };

  constexpr int kValues = 20'000;
  Published<Pair> published(std::make_shared<const Pair>(0, 0));
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int last = 0; last < kValues;) {
        const auto value = published.load();
        if (value->one != value->two || value->one < last) ++torn;
        last = value->one;
      }
    });
  }
  for (int i = 1; i <= kValues; ++i) published.store(std::make_shared<const Pair>(i, i));
  for (auto& reader : readers) reader.join();
  CHECK(torn == 0);
}

}  // namespace
}  // namespace xylem::storage
