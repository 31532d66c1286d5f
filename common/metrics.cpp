#include "common/metrics.h"

#include "common/check.h"
#include "common/process.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <mutex>
#include <variant>

namespace xylem {
namespace {

std::string digits(std::uint64_t number) { return std::to_string(number); }

std::string digits(double number) {
  if (number != number) return "NaN";
  if (number - number != 0) return number > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> out{};
  const auto end = std::to_chars(out.data(), out.data() + out.size(), number).ptr;
  return {out.data(), end};
}

std::string escaped(std::string_view text, bool quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quote && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

bool is_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// a="1",b="2" in the order of the names; "" without labels.
std::string rendered(Metrics::Labels labels) {
  std::ranges::sort(labels);
  std::string out;
  for (const auto& [name, value] : labels) {
    XYLEM_CHECK(is_name(name));
    if (!out.empty()) out += ',';
    out.append(name).append("=\"").append(escaped(value, true)).append("\"");
  }
  return out;
}

using Series =
    std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>;

constexpr std::array<std::string_view, 3> kKinds = {"counter", "gauge", "histogram"};

struct Family {
  std::string help;
  std::size_t kind = 0;                  // the index in Series and kKinds
  std::map<std::string, Series> series;  // by rendered labels
};

void append_sample(std::string_view name,
                   std::string_view labels,
                   std::string_view value,
                   std::string& out) {
  out += name;
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(value).append("\n");
}

void append_histogram(const std::string& name,
                      const std::string& labels,
                      const Histogram& histogram,
                      std::string& out) {
  const auto counts = histogram.counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto& bounds = histogram.bounds();
    const auto bound = i < bounds.size() ? digits(bounds[i]) : std::string("+Inf");
    auto with_bound = labels.empty() ? std::string() : labels + ",";
    with_bound.append("le=\"").append(bound).append("\"");
    append_sample(name + "_bucket", with_bound, digits(counts[i]), out);
  }
  append_sample(name + "_sum", labels, digits(histogram.sum()), out);
  append_sample(name + "_count", labels, digits(counts.back()), out);
}

void append_family(const std::string& name, const Family& family, std::string& out) {
  out.append("# HELP ").append(name).append(" ").append(escaped(family.help, false)).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(kKinds.at(family.kind)).append("\n");
  for (const auto& [labels, series] : family.series) {
    if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&series)) {
      append_sample(name, labels, digits((*counter)->value()), out);
    } else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&series)) {
      append_sample(name, labels, digits((*gauge)->value()), out);
    } else {
      append_histogram(name, labels, *std::get<std::unique_ptr<Histogram>>(series), out);
    }
  }
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  XYLEM_CHECK(std::ranges::adjacent_find(bounds_, std::greater_equal<>()) == bounds_.end());
}

void Histogram::observe(double value) noexcept {
  const auto bucket = std::ranges::lower_bound(bounds_, value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<std::uint64_t> Histogram::counts() const {
  std::vector<std::uint64_t> cumulative;
  cumulative.reserve(counts_.size());
  std::uint64_t total = 0;
  for (const auto& count : counts_)
    cumulative.push_back(total += count.load(std::memory_order_relaxed));
  return cumulative;
}

class Metrics::Impl {
 public:
  // `make` builds the metric when the series is new.
  template <class Metric, class Make>
  Metric& find(std::string_view name, std::string_view help, const Labels& labels, Make make) {
    constexpr auto kKind = Series(std::unique_ptr<Metric>()).index();
    XYLEM_CHECK(is_name(name));
    auto key = rendered(labels);
    const std::lock_guard lock(mutex_);
    auto [family, is_new] = families_.try_emplace(std::string(name));
    if (is_new) family->second = {.help = std::string(help), .kind = kKind, .series = {}};
    XYLEM_CHECK(family->second.kind == kKind);
    auto& series = family->second.series;
    if (!labels.empty() && !series.contains(key) && series.size() >= kSeriesMax)
      key = surplus(labels);
    auto& slot = series.try_emplace(std::move(key), std::unique_ptr<Metric>()).first->second;
    auto& metric = std::get<std::unique_ptr<Metric>>(slot);
    if (metric == nullptr) metric = make();
    return *metric;
  }

  void on_scrape(std::function<void()> refresh) {
    const std::lock_guard lock(mutex_);
    refreshes_.push_back(std::move(refresh));
  }

  void add_process_metrics() {
    const std::lock_guard lock(mutex_);
    has_process_metrics_ = true;
  }

  // The callbacks run outside the lock: they may make metrics.
  std::string text() {
    std::vector<std::function<void()>> refreshes;
    {
      const std::lock_guard lock(mutex_);
      refreshes = refreshes_;
    }
    for (const auto& refresh : refreshes) refresh();
    std::string out;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, family] : families_) append_family(name, family, out);
    if (has_process_metrics_) append_process_metrics(out);
    return out;
  }

 private:
  static std::string surplus(Labels labels) {
    for (auto& [name, value] : labels) value = "other";
    return rendered(std::move(labels));
  }

  std::mutex mutex_;
  std::map<std::string, Family> families_;        // under mutex_
  std::vector<std::function<void()>> refreshes_;  // under mutex_
  bool has_process_metrics_ = false;              // under mutex_
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}

Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->find<Counter>(name, help, labels, [] { return std::make_unique<Counter>(); });
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  return impl_->find<Gauge>(name, help, labels, [] { return std::make_unique<Gauge>(); });
}

Histogram& Metrics::histogram(std::string_view name,
                              std::string_view help,
                              std::vector<double> bounds,
                              const Labels& labels) {
  return impl_->find<Histogram>(
      name, help, labels, [&bounds] { return std::make_unique<Histogram>(std::move(bounds)); });
}

void Metrics::on_scrape(std::function<void()> refresh) { impl_->on_scrape(std::move(refresh)); }

void Metrics::add_process_metrics() { impl_->add_process_metrics(); }

std::string Metrics::text() const { return impl_->text(); }

}  // namespace xylem
