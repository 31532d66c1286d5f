#include "common/process.h"

#include "tests/support/sanitizers.h"

#include <doctest/doctest.h>

#include <array>
#include <pthread.h>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace xylem {
namespace {

TEST_CASE("process: memory and host are known") {
  CHECK(resident_bytes() > 100'000);
  CHECK_FALSE(host_name().empty());
}

TEST_CASE("process: descriptors are limited by what the system allows, not by its default") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit lowered = before;
  lowered.rlim_cur = 64;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  raise_descriptor_limit();
  rlimit after{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_CASE("process: a thread's name is cut to what the kernel takes") {
  std::array<char, kThreadNameMax + 1> name{};
  std::thread([&] {
    name_this_thread("0123456789abcdefgh");
    pthread_getname_np(pthread_self(), name.data(), name.size());
  }).join();
  CHECK(std::string_view(name.data()) == "0123456789abcde");
}

TEST_CASE("process: buffers that come and go are not faulted in each time" *
          doctest::skip(xylem::testing::kSanitized)) {
  constexpr std::size_t kBytes = std::size_t{256} * 1024;
  keep_freed_memory();
  const auto touch = [] {
    std::vector<char> first(kBytes, 'a');
    std::vector<char> second(kBytes, 'b');
    CHECK(first.back() != second.back());
  };
  touch();
  const auto faults = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
  };
  const auto before = faults();
  for (int i = 0; i < 100; ++i) touch();
  CHECK(faults() - before < 1'000);  // 100 times 128 pages, were they given back
}

}  // namespace
}  // namespace xylem
