#include "common/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace xylem {
namespace {

TEST_CASE("metrics: the text exposition, byte for byte") {
  Metrics metrics;
  metrics.counter("xylem_b_total", "Second.\nWith \\ and \"quotes\".").add(3);
  metrics.gauge("xylem_a_bytes", "First.", {{"topic", "a\\b\"c\nd"}, {"partition", "0"}}).set(1.5);
  auto& seconds = metrics.histogram("xylem_c_seconds", "Third.", {0.1, 1}, {{"op", "read"}});
  seconds.observe(0.1);  // a bound belongs to its bucket
  seconds.observe(0.5);
  seconds.observe(7);
  CHECK(metrics.text() ==
        "# HELP xylem_a_bytes First.\n"
        "# TYPE xylem_a_bytes gauge\n"
        "xylem_a_bytes{partition=\"0\",topic=\"a\\\\b\\\"c\\nd\"} 1.5\n"
        "# HELP xylem_b_total Second.\\nWith \\\\ and \"quotes\".\n"
        "# TYPE xylem_b_total counter\n"
        "xylem_b_total 3\n"
        "# HELP xylem_c_seconds Third.\n"
        "# TYPE xylem_c_seconds histogram\n"
        "xylem_c_seconds_bucket{op=\"read\",le=\"0.1\"} 1\n"
        "xylem_c_seconds_bucket{op=\"read\",le=\"1\"} 2\n"
        "xylem_c_seconds_bucket{op=\"read\",le=\"+Inf\"} 3\n"
        "xylem_c_seconds_sum{op=\"read\"} 7.6\n"
        "xylem_c_seconds_count{op=\"read\"} 3\n");
}

TEST_CASE("metrics: values that are not finite have names") {
  Metrics metrics;
  auto& gauge = metrics.gauge("g", "G.");
  gauge.set(std::nan(""));
  CHECK(metrics.text().ends_with("g NaN\n"));
  gauge.set(std::numeric_limits<double>::infinity());
  CHECK(metrics.text().ends_with("g +Inf\n"));
  gauge.set(-std::numeric_limits<double>::infinity());
  CHECK(metrics.text().ends_with("g -Inf\n"));
}

TEST_CASE("metrics: the same name and labels, in any order, give the same object") {
  Metrics metrics;
  auto& one = metrics.counter("c_total", "C.", {{"a", "1"}, {"b", "2"}});
  CHECK(&metrics.counter("c_total", "C.", {{"b", "2"}, {"a", "1"}}) == &one);
  CHECK(&metrics.counter("c_total", "C.", {{"a", "1"}, {"b", "3"}}) != &one);
}

TEST_CASE("metrics: a family's surplus lands in one series") {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::kSeriesMax; ++i)
    metrics.counter("c_total", "C.", {{"id", std::to_string(i)}});
  auto& surplus = metrics.counter("c_total", "C.", {{"id", "one too many"}});
  CHECK(&metrics.counter("c_total", "C.", {{"id", "and another"}}) == &surplus);
  surplus.add(2);
  metrics.counter("c_total", "C.", {{"id", "0"}}).add();  // known ones stay themselves
  const auto text = metrics.text();
  CHECK(text.find("c_total{id=\"other\"} 2\n") != std::string::npos);
  CHECK(text.find("c_total{id=\"0\"} 1\n") != std::string::npos);
  CHECK(text.find("too many") == std::string::npos);
}

TEST_CASE("metrics: a scrape refreshes first, and may make metrics") {
  Metrics metrics;
  int scrapes = 0;
  metrics.on_scrape([&] { metrics.gauge("g", "G.").set(++scrapes); });
  CHECK(metrics.text().ends_with("g 1\n"));
  CHECK(metrics.text().ends_with("g 2\n"));
}

TEST_CASE("metrics: updates from several threads are all counted") {
  constexpr int kUpdates = 10'000;
  Metrics metrics;
  auto update = [&] {
    for (int i = 0; i < kUpdates; ++i) {
      metrics.counter("c_total", "C.").add();
      metrics.histogram("h", "H.", {1}).observe(1);
    }
  };
  std::thread one(update);
  std::thread two(update);
  const auto scraped = metrics.text();
  one.join();
  two.join();
  CHECK(metrics.counter("c_total", "C.").value() == 2 * kUpdates);
  CHECK(metrics.histogram("h", "H.", {1}).counts().back() == 2 * kUpdates);
  CHECK(metrics.histogram("h", "H.", {1}).sum() == 2 * kUpdates);
}

TEST_CASE("metrics: the process's own figures") {
  Metrics metrics;
  CHECK(metrics.text().empty());
  metrics.add_process_metrics();
  const auto text = metrics.text();
  for (const auto* name : {"process_cpu_seconds_total", "process_virtual_memory_bytes",
                           "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds"}) {
    CAPTURE(name);
    const auto at = text.find("\n" + std::string(name) + " ");
    REQUIRE(at != std::string::npos);
    CHECK(std::stod(text.substr(text.find(' ', at))) > 0);
  }
}

}  // namespace
}  // namespace xylem
