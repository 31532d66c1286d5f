// A command, its sub-commands and its options, in our own words: CLI11 stays behind this.
//
//   auto& verb = program.verb("tree", "every node below its parent");
//   auto& options = verb.fills<TreeOptions>();
//   verb.text("--registry", options.registry_url, "http://host:port").show_default();
//
// An option's name is "--long", "-s,--long", or of a positional "NAME". What the user says is put
// where the option was told to; what was there before is the default.
#pragma once

#include "cli/options/options.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
class Option;
}  // namespace CLI

namespace xylem::cli {

// What else is to be said of an option that was just added.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option& required();
  Option& show_default();  // in the help: as it is now
  Option& one_of(const std::vector<std::string>& values);
  Option& between(std::int64_t least, std::int64_t most);
  Option& not_negative();

 private:
  CLI::Option& option_;
};

class Verb {
 public:
  Verb(const std::string& name, const std::string& help);  // the program itself
  ~Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  void version(const std::string& text);  // what --version says

  // A sub-command; the user must then say one of them.
  Verb& verb(const std::string& name, const std::string& help);

  // Where the options go, kept as long as the verb, and what makes the command of it.
  template <class Raw>
  Raw& fills(Result<Command> (*finish)(Raw&)) {
    const auto raw = std::make_shared<Raw>();
    finish_ = [raw, finish] { return finish(*raw); };
    return *raw;
  }

  // The same for what needs no more than to be filled.
  template <class Options>
  Options& fills() {
    return fills<Options>([](Options& options) -> Result<Command> { return options; });
  }

  Option text(const std::string& name, std::string& to, const std::string& help = {});

  // All that follow, up to the next option; also each time that it is there again.
  Option texts(const std::string& name, std::vector<std::string>& to, const std::string& help);

  Option number(const std::string& name, std::int32_t& to, const std::string& help);
  Option number(const std::string& name, std::int64_t& to, const std::string& help);
  Option number(const std::string& name, std::size_t& to, const std::string& help);
  void flag(const std::string& name, bool& to, const std::string& help = {});

  // Of the program: fills what the arguments name, and finishes it. Errors as parse_command's.
  Result<Command> parse(std::span<const std::string> arguments);

 private:
  explicit Verb(std::shared_ptr<CLI::App> app);

  [[nodiscard]] const Verb& given() const;   // the deepest sub-command that was, or this
  [[nodiscard]] std::string spoken() const;  // the way to it, as the user types it

  std::shared_ptr<CLI::App> app_;
  std::vector<std::unique_ptr<Verb>> verbs_;
  std::function<Result<Command>()> finish_;  // empty: it has sub-commands
};

}  // namespace xylem::cli
