#include "cli/up/console.h"

#include "cli/client_runtime.h"
#include "cli/up/console_socket.h"
#include "cli/up/plan.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {
namespace {

// A plan of which nothing runs.
struct World {
  ClientRuntime runtime;
  Plan plan = *make_plan({.dir = "/nowhere", .with_producer = false}, "/nowhere");
  Supervisor supervisor{runtime.context(), plan, "/nowhere/xylem", [] {}};
  bool quit = false;
  Console console{runtime.loop(),
                  supervisor,
                  {.registry_url = "http://127.0.0.1:1", .quit = [this] { quit = true; }}};

  Console::Reply ask(const std::string& line) {
    std::optional<Console::Reply> reply;
    console.run(line, [&](const Console::Reply& given) { reply = given; });
    CHECK_FALSE(reply);  // never inside the call
    REQUIRE(testing::run_until(runtime.loop(), [&] { return reply.has_value(); }));
    return *reply;
  }
};

TEST_CASE("words are what stands between spaces") {
  CHECK(words_of("  broker\tstop  1 \r") == std::vector<std::string>{"broker", "stop", "1"});
  CHECK(words_of("   ").empty());
}

TEST_CASE("status and the list show every process") {
  World world;
  const auto status = world.ask("status");
  CHECK(status.code == ExitCode::kOk);
  for (const auto& spec : world.plan.processes) CHECK(status.text.contains(spec.id));
  const auto list = world.ask("broker list");
  CHECK(list.text.contains("\n0   root-0"));
  CHECK(list.text.contains("region-1/site-1/till-0"));
  CHECK_FALSE(list.text.contains("registry"));
}

TEST_CASE("stopping what does not run succeeds, by id and by number") {
  World world;
  CHECK(world.ask("broker stop l2-1").text == "l2-1 is stopped\n");
  CHECK(world.ask("broker stop 0").text == "root-0 is stopped\n");
  CHECK(world.ask("consumer stop").text == "consumer is stopped\n");
}

TEST_CASE("what is not there and what is no command are told apart") {
  World world;
  CHECK(world.ask("broker stop 99").code == ExitCode::kNotFound);
  CHECK(world.ask("broker start registry").code == ExitCode::kNotFound);
  CHECK(world.ask("producer start").code == ExitCode::kNotFound);
  for (const char* line :
       {"stats", "broker", "broker stop", "broker kill 1", "restart", "quit now"})
    CHECK(world.ask(line).code == ExitCode::kUsage);
  CHECK_FALSE(world.quit);
}

TEST_CASE("a registry that is away is said so") {
  World world;
  CHECK(world.ask("tree").code == ExitCode::kUnavailable);
}

TEST_CASE("help, nothing, and quit") {
  World world;
  CHECK(world.ask("help").text.contains("restart all"));
  CHECK(world.ask("").code == ExitCode::kOk);
  CHECK(world.ask("quit").code == ExitCode::kOk);
  CHECK(world.quit);
}

TEST_CASE("other processes reach the console, also through a long path") {
  World world;
  const TemporaryDirectory directory;
  const auto dir = directory.file(std::string(150, 'd'));
  std::filesystem::create_directory(dir);
  auto socket = ConsoleSocket::open(world.runtime.loop(), dir, world.console);
  REQUIRE(socket);
  const auto ask = [&](const std::string& line) {
    auto reply = std::async(std::launch::async, [&] { return ask_console(dir, line); });
    const auto is_answered = [&reply] {
      return reply.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    };
    REQUIRE(testing::run_until(world.runtime.loop(), is_answered));
    return reply.get();
  };
  const auto help = ask("help");
  REQUIRE(help);
  CHECK(help->code == ExitCode::kOk);
  CHECK(help->text == world.ask("help").text);
  CHECK(ask("broker stop 99")->code == ExitCode::kNotFound);
  CHECK(ask(std::string(ConsoleSocket::kCommandBytesMax + 1, 'x')).error().code() ==
        Errc::kUnavailable);
  socket->reset();
  CHECK_FALSE(std::filesystem::exists(dir + "/console.sock"));
  CHECK(ask_console(dir, "help").error().code() == Errc::kUnavailable);
}

}  // namespace
}  // namespace xylem::cli
