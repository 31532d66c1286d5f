#include "cli/options/verb.h"

#include "common/check.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <utility>

namespace xylem::cli {

Option& Option::required() {
  option_.required();
  return *this;
}

Option& Option::show_default() {
  option_.capture_default_str();
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& values) {
  option_.check(CLI::IsMember(values));
  return *this;
}

Option& Option::between(std::int64_t least, std::int64_t most) {
  CLI::Range range(least, most);
  range.description(option_.get_type_name() + " in [" + std::to_string(least) + " - " +
                    std::to_string(most) + "]");
  option_.check(range);
  return *this;
}

Option& Option::not_negative() { return between(0, std::numeric_limits<std::int64_t>::max()); }

Verb::Verb(const std::string& name, const std::string& help)
    : Verb(std::make_shared<CLI::App>(help, name)) {}

Verb::Verb(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

void Verb::version(const std::string& text) { app_->set_version_flag("--version", text); }

Verb& Verb::verb(const std::string& name, const std::string& help) {
  app_->require_subcommand(1);
  auto* added = app_->add_subcommand(name, help);
  verbs_.push_back(std::unique_ptr<Verb>(new Verb(app_->get_subcommand_ptr(added))));
  return *verbs_.back();
}

Option Verb::text(const std::string& name, std::string& to, const std::string& help) {
  return Option(*app_->add_option(name, to, help));
}

Option Verb::texts(const std::string& name, std::vector<std::string>& to, const std::string& help) {
  auto* option = app_->add_option(name, to, help);
  if (!option->get_positional())  // the help of such an option shows one
    option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return Option(*option);
}

Option Verb::number(const std::string& name, std::int32_t& to, const std::string& help) {
  return Option(*app_->add_option(name, to, help));
}

Option Verb::number(const std::string& name, std::int64_t& to, const std::string& help) {
  return Option(*app_->add_option(name, to, help));
}

Option Verb::number(const std::string& name, std::size_t& to, const std::string& help) {
  return Option(*app_->add_option(name, to, help));
}

void Verb::flag(const std::string& name, bool& to, const std::string& help) {
  app_->add_flag(name, to, help);
}

Result<Command> Verb::parse(std::span<const std::string> arguments) {
  try {
    app_->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // as CLI11 wants
  } catch (const CLI::CallForHelp&) {
    return fail(Errc::kCancelled, app_->help());  // of the sub-command that was asked
  } catch (const CLI::CallForVersion& version) {
    return fail(Errc::kCancelled, std::string(version.what()) + "\n");
  } catch (const CLI::Error& error) {
    return fail(Errc::kInvalidRequest, error.what(), "see " + spoken() + " --help");
  }
  const auto& finish = given().finish_;
  XYLEM_CHECK(finish);  // CLI11 wants a sub-command of every verb that has some
  return finish();
}

std::string Verb::spoken() const {
  for (const auto& verb : verbs_)
    if (verb->app_->parsed()) return app_->get_display_name() + " " + verb->spoken();
  return app_->get_display_name();
}

const Verb& Verb::given() const {
  for (const auto& verb : verbs_)
    if (verb->app_->parsed()) return verb->given();
  return *this;
}

}  // namespace xylem::cli
