#include "cli/options/verb.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace xylem::cli {
namespace {

struct Raw {
  std::string text = "before";
  std::vector<std::string> texts;
  std::vector<std::string> files;
  std::int32_t small = 7;
  std::int64_t large = 0;
  std::size_t size = 5;
  bool flag = false;
};

Result<Command> finish(Raw& raw) { return TreeOptions{.registry_url = raw.text, .json = raw.flag}; }

// A program that has every kind of option.
struct Program {
  Program() {
    verb.text("-t,--text", raw.text, "a text").show_default();
    verb.texts("--texts", raw.texts, "may be repeated");
    verb.texts("FILE", raw.files, "any number");
    verb.number("--small", raw.small, "32 bits");
    verb.number("--large", raw.large, "64 bits").not_negative();
    verb.number("--size", raw.size, "unsigned").between(2, 9).show_default();
    verb.flag("--flag", raw.flag);
  }

  Result<Command> parse(const std::vector<std::string>& arguments) { return verb.parse(arguments); }

  Verb verb{"program", "its help"};
  Raw& raw = verb.fills<Raw>(finish);
};

std::string refusal(const std::vector<std::string>& arguments) {
  Program program;
  const auto command = program.parse(arguments);
  REQUIRE_FALSE(command);
  CHECK(command.error().code() == Errc::kInvalidRequest);
  return command.error().what();
}

TEST_CASE("options fill what they were told to, and the verb finishes it") {
  Program program;
  const auto command = program.parse({"-t", "x", "--small", "-3", "--large", "0x10", "--flag"});
  REQUIRE(command);
  CHECK(std::get<TreeOptions>(*command).registry_url == "x");
  CHECK(std::get<TreeOptions>(*command).json);
  CHECK(program.raw.small == -3);
  CHECK(program.raw.large == 16);
  CHECK(program.raw.size == 5);
}

TEST_CASE("texts are all up to the next option, each time that it is there") {
  Program program;
  REQUIRE(program.parse({"f", "--texts", "a", "--texts", "b", "c", "--flag", "g", "h"}));
  CHECK(program.raw.texts == std::vector<std::string>{"a", "b", "c"});
  CHECK(program.raw.files == std::vector<std::string>{"f", "g", "h"});
}

TEST_CASE("a number fits where it goes and in its limits") {
  CHECK(refusal({"--small", "2147483648"}) == "Could not convert: --small = 2147483648");
  CHECK(refusal({"--small", "many"}) == "Could not convert: --small = many");
  CHECK(refusal({"--size", "10"}) == "--size: Value 10 not in range 2 to 9");
  CHECK(refusal({"--size", "-1"}) == "--size: Value -1 not in range 2 to 9");
  CHECK(refusal({"--large", "-1"}).starts_with("--large: Value -1 not in range 0"));
}

TEST_CASE("what is required is there, and is one of the allowed") {
  const auto parse = [](const std::vector<std::string>& arguments) {
    Verb verb("program", "");
    verb.text("TOPIC", verb.fills<LogOptions>().topic).required().one_of({"a", "b"});
    return verb.parse(arguments);
  };
  CHECK(parse({"b"}));
  CHECK_FALSE(parse({"c"}));
  CHECK_FALSE(parse({}));
}

TEST_CASE("the help shows a default where that was asked for") {
  const auto help = Program().parse({"--help"});
  REQUIRE_FALSE(help);
  CHECK(help.error().code() == Errc::kCancelled);
  CHECK(help.error().what().find("--text TEXT=before ") != std::string::npos);
  CHECK(help.error().what().find("--small INT ") != std::string::npos);
  CHECK(help.error().what().find("--size UINT:UINT in [2 - 9]=5") != std::string::npos);
}

Result<Command> parse_below(const std::vector<std::string>& arguments) {
  Verb program("program", "");
  auto& group = program.verb("group", "");
  group.verb("other", "").fills<TreeOptions>();
  auto& verb = group.verb("verb", "");
  verb.flag("--json", verb.fills<NodeOptions>().json);
  return program.parse(arguments);
}

TEST_CASE("of a verb that has sub-commands one is needed") {
  const auto command = parse_below({"group", "verb", "--json"});
  REQUIRE(command);
  CHECK(std::get<NodeOptions>(*command).json);
  CHECK_FALSE(parse_below({}));
  CHECK_FALSE(parse_below({"group"}));
}

TEST_CASE("an error names the deepest command that was given") {
  CHECK(parse_below({"wat"}).error().hint() == "see program --help");
  CHECK(parse_below({"group"}).error().hint() == "see program group --help");
  CHECK(parse_below({"group", "verb", "--wat"}).error().hint() == "see program group verb --help");
}

}  // namespace
}  // namespace xylem::cli
