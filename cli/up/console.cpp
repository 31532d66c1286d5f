#include "cli/up/console.h"

#include "cli/admin_http.h"
#include "cli/commands/tree.h"
#include "cli/output.h"
#include "common/check.h"
#include "common/quantity.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace xylem::cli {
namespace {

constexpr const char* kHelp =
    "status                 every process: pid, state, restarts, addresses\n"
    "broker list            the brokers, numbered\n"
    "broker start|stop N    one of them, by id or number\n"
    "producer start|stop    the demo's producer\n"
    "consumer start|stop    the consumer-app\n"
    "tree                   the registry's picture\n"
    "restart all            stop everything, then start it again\n"
    "quit                   stop everything and end\n";

std::string address_text(const std::optional<network::Address>& address) {
  return address ? address->text() : "-";
}

bool is_start_or_stop(std::string_view verb) { return verb == "start" || verb == "stop"; }

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

Console::Console(Loop& loop, Supervisor& supervisor, Settings settings)
    : loop_(loop),
      supervisor_(supervisor),
      settings_(std::move(settings)),
      alive_(std::make_shared<const bool>(true)),
      worker_("console") {}

Console::~Console() = default;

void Console::run(std::string_view line, Done done) {
  const auto words = words_of(line);
  const std::string first = words.empty() ? "" : words[0];
  const std::string second = words.size() > 1 ? words[1] : "";
  if (words.empty()) return reply(std::move(done), ExitCode::kOk, "");
  if (words.size() == 1) {
    if (first == "help") return reply(std::move(done), ExitCode::kOk, kHelp);
    if (first == "status") return reply(std::move(done), ExitCode::kOk, status());
    if (first == "tree") return draw_fleet(std::move(done));
    if (first == "quit") {
      reply(std::move(done), ExitCode::kOk, "stopping\n");
      return settings_.quit();
    }
  }
  if (words.size() == 2 && first == "broker" && second == "list")
    return reply(std::move(done), ExitCode::kOk, broker_list());
  if (words.size() == 2 && first == "restart" && second == "all")
    return restart_all(std::move(done));
  if (words.size() == 2 && (first == "producer" || first == "consumer") && is_start_or_stop(second))
    return start_or_stop(second, first, std::move(done));
  if (words.size() == 3 && first == "broker" && is_start_or_stop(second)) {
    const auto id = broker_id(words[2]);
    if (id.empty())
      return reply(std::move(done), ExitCode::kNotFound, "no broker " + words[2] + "\n");
    return start_or_stop(second, id, std::move(done));
  }
  reply(std::move(done), ExitCode::kUsage,
        "unknown command \"" + std::string(line) + "\"; help lists them\n");
}

void Console::start_or_stop(std::string_view verb, const std::string& id, Done done) {
  if (supervisor_.find(id) == nullptr)
    return reply(std::move(done), ExitCode::kNotFound, "there is no " + id + "\n");
  const auto settled = [this, id, done = std::move(done)] {
    done({.code = ExitCode::kOk,
          .text = id + " is " + std::string(to_string(supervisor_.find(id)->state())) + "\n"});
  };
  if (verb == "start") return supervisor_.start({id}, settled);
  supervisor_.stop({id}, settled);
}

void Console::restart_all(Done done) {
  supervisor_.stop(supervisor_.ids(), [this, done = std::move(done)] {
    supervisor_.start(supervisor_.ids(), [done] {
      done({.code = ExitCode::kOk, .text = "everything was restarted\n"});
    });
  });
}

void Console::draw_fleet(Done done) {
  const auto answered = [weak = std::weak_ptr(alive_), done](const Result<std::string>& document) {
    if (weak.expired()) return;
    auto text = document ? draw_tree(*document) : document;
    if (text) return done({.code = ExitCode::kOk, .text = *text});
    done({.code = exit_code_of(text.error().code()), .text = text.error().what() + "\n"});
  };
  const bool accepted = worker_.submit([&loop = loop_, url = settings_.registry_url, answered] {
    auto document = http_get(url, "/api/v1/tree");
    loop.answer([answered, document = std::move(document)] { answered(document); });
  });
  if (!accepted) reply(std::move(done), ExitCode::kUnavailable, "too many commands at once\n");
}

void Console::reply(Done done, ExitCode code, std::string text) {
  const auto later = [weak = std::weak_ptr(alive_), done = std::move(done), code,
                      text = std::move(text)] {
    if (!weak.expired()) done({.code = code, .text = text});
  };
  XYLEM_CHECK(loop_.post(later));
}

std::string Console::status() const {
  Table table({"ID", "ROLE", "PID", "STATE", "RESTARTS", "TCP", "HTTP"});
  for (const auto& one : supervisor_.processes()) {
    const auto& spec = one->spec();
    table.add({spec.id, spec.role, one->pid() == 0 ? "-" : std::to_string(one->pid()),
               std::string(to_string(one->state())), std::to_string(one->restarts()),
               address_text(spec.tcp), address_text(spec.http)});
  }
  return table.text();
}

std::string Console::broker_list() const {
  Table table({"N", "ID", "ROLE", "STATE", "TCP", "LOCATION"});
  int number = 0;
  for (const auto& one : supervisor_.processes()) {
    const auto& spec = one->spec();
    if (!spec.is_broker()) continue;
    table.add({std::to_string(number++), spec.id, spec.role, std::string(to_string(one->state())),
               address_text(spec.tcp), spec.settings.at("NODE_LOCATION")});
  }
  return table.text();
}

std::string Console::broker_id(std::string_view name) const {
  const auto wanted = parse_number(name);
  std::int64_t number = 0;
  for (const auto& one : supervisor_.processes()) {
    if (!one->spec().is_broker()) continue;
    if (one->spec().id == name || (wanted && *wanted == number)) return one->spec().id;
    ++number;
  }
  return {};
}

}  // namespace xylem::cli
