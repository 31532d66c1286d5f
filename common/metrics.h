// Counters, gauges and histograms, and their Prometheus text exposition (format 0.0.4).
//
// Names are `xylem_<part>_<what>_<unit>[_total]` in base units. A metric is made once, kept by
// reference, and lives as long as its registry. Labels come from closed sets (topic, partition,
// reason), never from unbounded input; a family refuses more than kSeriesMax label sets (the
// surplus lands in one series labelled "other").
//
// Threads: updates and text() from any thread; updates are one relaxed atomic.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {

class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }

  [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);  // upper bounds, ascending; +Inf is implied
  void observe(double value) noexcept;

  // Cumulative counts, one per bound and one for +Inf.
  [[nodiscard]] std::vector<std::uint64_t> counts() const;

  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

  [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  static constexpr std::size_t kSeriesMax = 10'000;  // per family

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The same name and labels give the same object. A name used with two kinds is a bug: CHECK.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  Histogram& histogram(std::string_view name,
                       std::string_view help,
                       std::vector<double> bounds,
                       const Labels& labels = {});

  // Called just before every text(), on the thread that calls it: sets gauges that are read rather
  // than counted.
  void on_scrape(std::function<void()> refresh);

  // The process's own figures (RSS, CPU seconds, open descriptors, start time).
  void add_process_metrics();

  [[nodiscard]] std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
