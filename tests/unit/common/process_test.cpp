#include "common/process.h"

#include <doctest/doctest.h>

#include <array>
#include <pthread.h>
#include <string_view>
#include <sys/resource.h>
#include <thread>

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

}  // namespace
}  // namespace xylem
