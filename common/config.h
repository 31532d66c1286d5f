// Settings of one program: defaults < YAML file (--config, XYLEM_CONFIG) < environment < flags.
//
// A program declares its settings once, as a table; this class reads them from everywhere and
// refuses what it does not know. A setting NODE_ID is the environment variable NODE_ID, the flag
// --node-id and the YAML key node_id. An empty environment variable counts as not set; a YAML list
// is its items joined by commas.
//
// Errors: kInvalidRequest names the key, where it came from, what is wrong and what would be right.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {

struct Setting {
  enum class Kind : std::uint8_t {
    kText,
    kNumber,    // decimal integer within [min, max]
    kBytes,     // 64MiB, 1GiB, 4096 (common/quantity.h); within [min, max] bytes
    kDuration,  // 50ms, 10s, 5m, 7d (common/quantity.h); within [min, max] milliseconds
    kFlag,      // true | false; the flag alone is true
    kChoice,    // one of `choices`
  };

  std::string_view name;  // as in the environment
  Kind kind = Kind::kText;
  std::string_view fallback;  // parsed like any other value; "": unset, see Config::is_set
  std::string_view help;      // one line
  std::int64_t min = 0;
  std::int64_t max = INT64_MAX;
  std::string_view choices;  // "a|b|c"
  bool secret = false;
};

class Config {
 public:
  // `settings` outlive the Config. `args` without the program's name. Environment variables that
  // are not in the table are ignored unless they start with XYLEM_ (but XYLEM_BROKER and
  // XYLEM_REGISTRY are for the `xylem` command). `--help` is kCancelled with the help text as
  // what().
  static Result<Config> load(std::string_view program,
                             std::span<const Setting> settings,
                             std::span<const std::string> args,
                             const std::map<std::string, std::string>& environment);

  // Asking for a name or kind that was not declared is a bug: CHECK.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] std::int64_t number(std::string_view name) const;  // also bytes, milliseconds
  [[nodiscard]] bool flag(std::string_view name) const;

  // True when the value came from anywhere but the default.
  [[nodiscard]] bool is_set(std::string_view name) const;

  // (name, value) in declaration order, secrets as "***".
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> effective() const;

 private:
  struct Value {
    const Setting* setting;
    std::string text;
    std::int64_t number;
    bool set;
  };

  [[nodiscard]] const Value& value(std::string_view name) const;

  std::vector<Value> values_;
};

// The process's environment as a map.
std::map<std::string, std::string> process_environment();

}  // namespace xylem
