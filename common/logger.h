// The one way to log: an event name and fields, one line each, as text (key=value) or JSON.
//
//   log.warn("parent.lost", {{"parent", id}, {"error", error.what()}, {"retry_ms", 200}});
//
// Event names are `part.what`, in lower case. Values are escaped; a line never spans two. Each line
// is one write(2) to standard error or a file. A full disk, a closed pipe or one that nobody reads
// loses lines, never work: the next line that gets out says how many (`lost_lines`).
//
// Limits: a line is at most kLineMax bytes; what does not fit is cut and marked (`cut=true`).
// Threads: any (listed in docs/threads.md).
#pragma once

#include "common/clock.h"
#include "common/result.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace xylem {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

Result<LogLevel> log_level_of(std::string_view name);    // debug|info|warn|error
Result<LogFormat> log_format_of(std::string_view name);  // text|json

struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}

  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}

  LogField(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}

  LogField(std::string_view name, bool flag) : key(name), value(flag) {}

  LogField(std::string_view name, double number) : key(name), value(number) {}

  template <std::integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
};

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  static constexpr std::size_t kLineMax = 4'096;  // bytes; a pipe takes as much in one piece

  struct Options {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
    std::string file;              // empty: standard error
    std::string node;              // the field `node` of every line; empty: none
    const Clock* clock = nullptr;  // outlives the logger; null: the system's
  };

  // A file that cannot be opened is reported on standard error, which is then used instead.
  explicit Logger(const Options& options);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  void debug(std::string_view event, Fields fields = {}) { write(LogLevel::kDebug, event, fields); }

  void info(std::string_view event, Fields fields = {}) { write(LogLevel::kInfo, event, fields); }

  void warn(std::string_view event, Fields fields = {}) { write(LogLevel::kWarn, event, fields); }

  void error(std::string_view event, Fields fields = {}) { write(LogLevel::kError, event, fields); }

  // Discards everything: for tests and tools.
  static Logger& none();

 private:
  void write(LogLevel level, std::string_view event, Fields fields);

  class Impl;
  explicit Logger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;  // null: discards
};

// From the settings LOG_LEVEL (debug|info|warn|error) and LOG_FORMAT (text|json), which the
// configuration has already restricted to these.
Logger::Options logger_options(std::string_view level, std::string_view format);

}  // namespace xylem
