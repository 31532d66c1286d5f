#include "common/logger.h"

#include "common/text_encoding.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <limits>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace xylem {
namespace {

struct LoggedFile {
  TemporaryDirectory directory;
  std::string path = directory.file("log");
  ManualClock clock;  // 2023-11-14T22:13:20.000Z

  Logger::Options options(LogFormat format) {
    return {.format = format, .file = path, .clock = &clock};
  }
};

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(text, 1'000, out);
  return out;
}

TEST_CASE("logger: text lines") {
  LoggedFile log;
  auto options = log.options(LogFormat::kText);
  options.node = "pos-1";
  Logger logger(options);
  log.clock.advance_ms(7);
  logger.warn("parent.lost",
              {{"parent", "l2-0"}, {"error", "no route"}, {"retry_ms", 200}, {"last", false}});
  CHECK(read_text(log.path) ==
        "2023-11-14T22:13:20.007Z level=warn event=parent.lost node=pos-1 parent=l2-0 "
        "error=\"no route\" retry_ms=200 last=false\n");
}

TEST_CASE("logger: in text, whatever could be taken for something else is quoted") {
  LoggedFile log;
  Logger logger(log.options(LogFormat::kText));
  logger.info("e", {{"a", ""}, {"b", "x=y"}, {"c", "say \"hi\""}, {"d", "one\ntwo"}, {"e", "é"}});
  CHECK(read_text(log.path).ends_with(R"(a="" b="x=y" c="say \"hi\"" d="one\ntwo" e=é)"
                                      "\n"));
}

TEST_CASE("logger: JSON lines are JSON, whatever is in them") {
  LoggedFile log;
  Logger logger(log.options(LogFormat::kJson));
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  logger.error("part.what", {{"bytes", every_byte},
                             {"number", -1.5},
                             {"huge", std::numeric_limits<std::int64_t>::min()},
                             {"nan", std::numeric_limits<double>::quiet_NaN()},
                             {"yes", true}});
  const auto text = read_text(log.path);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  const auto line = nlohmann::json::parse(text);
  CHECK(line["time"] == "2023-11-14T22:13:20.000Z");
  CHECK(line["level"] == "error");
  CHECK(line["event"] == "part.what");
  CHECK(line["number"] == -1.5);
  CHECK(line["huge"] == std::numeric_limits<std::int64_t>::min());
  CHECK(line["nan"] == "nan");
  CHECK(line["yes"] == true);
  const std::string bytes = line["bytes"];
  CHECK(bytes.starts_with(every_byte.substr(0, 128)));
}

TEST_CASE("logger: controls, terminal sequences and bad UTF-8 are made harmless") {
  CHECK(escaped("\x1b[2J\x7f") == "\\u001b[2J\\u007f");
  CHECK(escaped("\xc2\x9b") == "\\u009b");  // CSI as one C1 character
  CHECK(escaped("\t\r\n") == "\\t\\r\\n");
  CHECK(escaped("\xf0\x9f\x8c\xb3") == "\xf0\x9f\x8c\xb3");
  for (const std::string_view bad : {"\xff", "\xc0", "\x80", "\xe2", "\xf5"}) {
    CHECK(escaped(std::string(bad) + "a") ==
          "\xef\xbf\xbd"
          "a");
  }
  CHECK(escaped("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // a surrogate
}

TEST_CASE("logger: a text is cut at a character") {
  std::string out;
  CHECK_FALSE(append_escaped("aé", 2, out));
  CHECK(out == "a");
  CHECK(append_escaped("b", 2, out));
  CHECK(out == "ab");
}

TEST_CASE("logger: a line that is too long is cut, marked, and still a line") {
  for (const auto format : {LogFormat::kText, LogFormat::kJson}) {
    LoggedFile log;
    Logger logger(log.options(format));
    for (std::size_t size = Logger::kLineMax - 100; size < Logger::kLineMax + 100; ++size) {
      logger.info("e", {{"value", std::string(size, '\n')}, {"after", "x"}});
      logger.info("e", {{"value", std::string(size, 'a')}, {"after", size}, {"more", "x y"}});
    }
    std::istringstream lines(read_text(log.path));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      CHECK(line.size() < Logger::kLineMax);
      if (format == LogFormat::kText) continue;
      const auto object = nlohmann::json::parse(line);
      if (!object.contains("more")) CHECK(object["cut"] == true);
    }
    CHECK(count == 400);
  }
}

TEST_CASE("logger: lower levels are not written; none() writes nothing") {
  LoggedFile log;
  auto options = log.options(LogFormat::kText);
  options.level = LogLevel::kWarn;
  Logger logger(options);
  logger.debug("e");
  logger.info("e");
  CHECK(read_text(log.path).empty());
  logger.warn("e");
  CHECK_FALSE(read_text(log.path).empty());
  Logger::none().error("e");
}

TEST_CASE("logger: names of levels and formats") {
  CHECK(log_level_of("debug") == LogLevel::kDebug);
  CHECK(log_level_of("error") == LogLevel::kError);
  CHECK(log_level_of("loud").error().code() == Errc::kInvalidRequest);
  CHECK(log_format_of("text") == LogFormat::kText);
  CHECK(log_format_of("json") == LogFormat::kJson);
  CHECK(log_format_of("xml").error().code() == Errc::kInvalidRequest);
}

TEST_CASE("logger: a pipe nobody reads loses lines, never work, and says how many") {
  LoggedFile log;
  REQUIRE(mkfifo(log.path.c_str(), 0600) == 0);
  const int reader = open(log.path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  Logger logger(log.options(LogFormat::kText));
  for (int i = 0; i < 100; ++i) logger.info("e", {{"value", std::string(2'000, 'a')}});
  std::array<char, 1 << 20> pipe{};
  const auto filled = read(reader, pipe.data(), pipe.size());
  REQUIRE(filled > 0);
  const auto lines = std::count(pipe.begin(), pipe.begin() + filled, '\n');
  CHECK(lines < 100);
  logger.info("after");
  const auto count = read(reader, pipe.data(), pipe.size());
  REQUIRE(count > 0);
  CHECK(std::string_view(pipe.data(), static_cast<std::size_t>(count))
            .ends_with("event=after lost_lines=" + std::to_string(100 - lines) + "\n"));
  close(reader);
  logger.info("closed");  // without SIGPIPE
}

TEST_CASE("logger: a full disk loses lines and goes on") {
  TemporaryDirectory directory;
  Logger logger({.file = "/dev/full"});
  logger.error("e");
  logger.error("e");
}

TEST_CASE("logger: lines of several threads do not mix") {
  LoggedFile log;
  Logger logger(log.options(LogFormat::kText));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int line = 0; line < 500; ++line) logger.info("e", {{"v", std::string(50, 'a')}});
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream lines(read_text(log.path));
  int whole = 0;
  for (std::string line; std::getline(lines, line);)
    whole += line == "2023-11-14T22:13:20.000Z level=info event=e v=" + std::string(50, 'a');
  CHECK(whole == 2'000);
}

}  // namespace
}  // namespace xylem
