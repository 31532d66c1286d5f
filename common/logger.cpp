#include "common/logger.h"

#include "common/text_encoding.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace xylem {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
constexpr std::size_t kTailBytes = 16;  // kept free for `"cut":true}` and the end of the line

std::string_view name_of(LogLevel level) { return kLevels.at(static_cast<std::size_t>(level)); }

template <class Number>
std::string digits(Number number) {
  std::array<char, 32> out{};
  const auto end = std::to_chars(out.data(), out.data() + out.size(), number).ptr;
  return {out.data(), end};
}

// 2026-01-31T23:59:59.999Z
std::string timestamp(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> out{};
  const auto count = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const auto ms = digits(1000 + wall_ms % 1000);
  return std::string(out.data(), count) + "." + ms.substr(1) + "Z";
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"=\\") == std::string_view::npos;
}

// Builds one line; once a value does not fit, the rest is left out and the line says so.
class Line {
 public:
  explicit Line(LogFormat format) : json_(format == LogFormat::kJson) {
    if (json_) text_ += '{';
  }

  void head(std::string_view key, std::string_view value) {
    if (json_) return add(key, value);
    text_ += value;
  }

  void add(std::string_view key, std::string_view value) {
    const auto before = begin(key);
    const bool quoted = json_ || !is_plain(value);
    if (quoted) text_ += '"';
    const auto value_at = text_.size();
    cut_ = !append_escaped(value, kBytesMax, text_) || cut_;
    // An escape inside a value that looked plain: quote it after all.
    if (!quoted && text_.find('\\', value_at) != std::string::npos) {
      text_.insert(value_at, 1, '"');
      text_ += '"';
    }
    if (quoted) text_ += '"';
    drop_if_too_long(before);
  }

  void add(std::string_view key, std::int64_t value) { add_bare(key, digits(value)); }

  void add(std::string_view key, bool value) { add_bare(key, value ? "true" : "false"); }

  void add(std::string_view key, double value) {
    if (!std::isfinite(value)) return add(key, std::string_view(digits(value)));
    add_bare(key, digits(value));
  }

  std::string finish() && {
    if (std::exchange(cut_, false)) text_ += json_ ? R"(,"cut":true)" : " cut=true";
    text_ += json_ ? "}\n" : "\n";
    return std::move(text_);
  }

 private:
  static constexpr std::size_t kBytesMax = Logger::kLineMax - kTailBytes;

  std::size_t begin(std::string_view key) {
    const auto before = text_.size();
    if (before > 1) text_ += json_ ? ',' : ' ';
    if (json_) text_ += '"';
    append_escaped(key, kBytesMax, text_);
    text_ += json_ ? "\":" : "=";
    return before;
  }

  void add_bare(std::string_view key, std::string_view value) {
    const auto before = begin(key);
    text_ += value;
    drop_if_too_long(before);
  }

  void drop_if_too_long(std::size_t before) {
    if (text_.size() <= kBytesMax + 2) return;  // room for quotes
    text_.resize(before);
    cut_ = true;
  }

  bool json_;
  bool cut_ = false;
  std::string text_;
};

}  // namespace

Result<LogLevel> log_level_of(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == name) return static_cast<LogLevel>(i);
  }
  return fail(Errc::kInvalidRequest, "log level is debug, info, warn or error");
}

Result<LogFormat> log_format_of(std::string_view name) {
  if (name == "text") return LogFormat::kText;
  if (name == "json") return LogFormat::kJson;
  return fail(Errc::kInvalidRequest, "log format is text or json");
}

class Logger::Impl {
 public:
  explicit Impl(const Options& options)
      : options_(options), clock_(options.clock != nullptr ? *options.clock : system_clock_) {
    if (options.file.empty()) return;
    const int file =
        open(options.file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
    if (file >= 0) {
      file_ = file;
    } else {
      write(LogLevel::kError, "log.unopened", {{"file", options.file}});
    }
  }

  ~Impl() {
    if (file_ != STDERR_FILENO) close(file_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void write(LogLevel level, std::string_view event, Fields fields) {
    if (level < options_.level) return;
    Line line(options_.format);
    line.head("time", timestamp(clock_.wall_ms()));
    line.add("level", name_of(level));
    line.add("event", event);
    if (!options_.node.empty()) line.add("node", options_.node);
    for (const auto& field : fields)
      std::visit([&](auto value) { line.add(field.key, value); }, field.value);
    const std::lock_guard lock(mutex_);
    if (lost_lines_ > 0) line.add("lost_lines", lost_lines_);
    put(std::move(line).finish());
  }

 private:
  // A pipe that says it is writable takes kLineMax (PIPE_BUF) bytes without blocking; one without
  // a reader reports an error here instead of SIGPIPE.
  [[nodiscard]] bool is_writable() const {
    pollfd ready{.fd = file_, .events = POLLOUT, .revents = 0};
    return poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT;
  }

  void put(std::string line) {
    if (is_torn_) line.insert(0, 1, '\n');
    const auto written = is_writable() ? ::write(file_, line.data(), line.size()) : -1;
    if (written == static_cast<ssize_t>(line.size())) {
      is_torn_ = false;
      lost_lines_ = 0;
      return;
    }
    is_torn_ = is_torn_ || written > 0;
    ++lost_lines_;
  }

  const Options options_;
  SystemClock system_clock_;
  const Clock& clock_;
  int file_ = STDERR_FILENO;
  std::mutex mutex_;
  std::int64_t lost_lines_ = 0;  // under mutex_
  bool is_torn_ = false;         // under mutex_: the last line went out in part
};

Logger::Logger(const Options& options) : impl_(std::make_unique<Impl>(options)) {}

Logger::Logger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Logger::~Logger() = default;

Logger& Logger::none() {
  static Logger discards{std::unique_ptr<Impl>()};
  return discards;
}

void Logger::write(LogLevel level, std::string_view event, Fields fields) {
  if (impl_ != nullptr) impl_->write(level, event, fields);
}

Logger::Options logger_options(std::string_view level, std::string_view format) {
  Logger::Options options;
  if (level == "debug") options.level = LogLevel::kDebug;
  if (level == "warn") options.level = LogLevel::kWarn;
  if (level == "error") options.level = LogLevel::kError;
  if (format == "json") options.format = LogFormat::kJson;
  return options;
}

}  // namespace xylem
