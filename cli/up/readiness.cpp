#include "cli/up/readiness.h"

#include "cli/admin_http.h"
#include "cli/commands/topic.h"
#include "cli/json_document.h"
#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::cli {
namespace {

std::string request_for(const TopicSpec& topic) {
  TopicOptions options;
  options.name = topic.name;
  options.partitions = topic.partitions;
  options.cleanup = topic.cleanup;
  return topic_request(options);
}

// Blocks.
Status look_at(const ProcessSpec& spec) {
  const auto url = "http://" + spec.http->text();
  if (auto ready = http_get(url, "/readyz"); !ready) return pass(ready);
  if (!spec.is_broker() || spec.role == "ROOT") return {};
  auto answer = http_get(url, "/api/v1/node");
  if (!answer) return pass(answer);
  auto node = parse_document(*answer);
  if (!node) return pass(node);
  if (text_at(*node, "parent").empty()) return fail(Errc::kUnavailable, "follows no parent yet");
  return {};
}

}  // namespace

Readiness::Readiness(const network::ClientContext& context, const Plan& plan)
    : context_(context),
      plan_(plan),
      later_(context.loop),
      alive_(std::make_shared<const bool>(true)),
      worker_("readiness") {}

Readiness::~Readiness() = default;

void Readiness::wait_ready(std::vector<const ProcessSpec*> processes, std::function<void()> done) {
  asked_ = std::move(processes);
  done_ = std::move(done);
  look(0);
}

void Readiness::look(std::size_t index) {
  if (index == asked_.size()) return std::exchange(done_, nullptr)();
  const auto& spec = *asked_[index];
  const auto answered = [this, weak = std::weak_ptr(alive_), index](const auto& answer) {
    if (weak.expired()) return;
    if (answer) return look(index + 1);
    waiting_for_ = asked_[index]->id + ": " + answer.error().what();
    again([this, index] { look(index); });
  };
  // The plan, and so `spec`, outlives the worker.
  const bool accepted = worker_.submit([&loop = context_.loop, &spec, answered] {
    auto answer = look_at(spec);
    loop.answer([answered, answer = std::move(answer)] { answered(answer); });
  });
  XYLEM_CHECK(accepted);
}

void Readiness::make_topics(std::function<void(Status)> done) {
  topics_made_ = std::move(done);
  std::vector<network::Address> roots;
  for (const auto* root : plan_.roots()) roots.push_back(*root->tcp);
  admin_ = std::make_unique<network::AdminClient>(
      context_, network::AdminClient::Options{.brokers = roots, .client_id = "xylem-up"});
  make_topic(0);
}

void Readiness::make_topic(std::size_t index) {
  if (index == plan_.topics.size()) {
    retired_.push_back(std::move(admin_));
    return std::exchange(topics_made_, nullptr)({});
  }
  const auto& topic = plan_.topics[index];
  waiting_for_ = "topic " + topic.name;
  admin_->command("topic.create", request_for(topic), [this, index](Result<std::string> answer) {
    if (answer || answer.error().code() == Errc::kAlreadyExists) return make_topic(index + 1);
    const auto code = answer.error().code();
    if (code == Errc::kCancelled) return;
    if (code == Errc::kUnavailable || code == Errc::kTimeout)
      return again([this, index] { make_topic(index); });
    std::exchange(topics_made_, nullptr)(pass(answer, "create topic " + plan_.topics[index].name));
  });
}

void Readiness::wait_topics(std::function<void()> done) {
  asked_ = plan_.leaves();
  done_ = std::move(done);
  ask_leaf(0);
}

void Readiness::ask_leaf(std::size_t index) {
  retired_.clear();
  if (index == asked_.size()) return std::exchange(done_, nullptr)();
  admin_ = std::make_unique<network::AdminClient>(
      context_,
      network::AdminClient::Options{.brokers = {*asked_[index]->tcp}, .client_id = "xylem-up"});
  std::vector<std::string> names;
  names.reserve(plan_.topics.size());
  for (const auto& topic : plan_.topics) names.push_back(topic.name);
  const auto answered = [this, index](const Result<network::MetadataAnswer>& answer) {
    if (!answer && answer.error().code() == Errc::kCancelled) return;
    retired_.push_back(std::move(admin_));
    const bool is_there = answer && answer->unknown.empty();
    if (!is_there)
      waiting_for_ = asked_[index]->id + ": " +
                     (answer ? "has no topic " + answer->unknown.front() : answer.error().what());
    again([this, next = is_there ? index + 1 : index] { ask_leaf(next); });
  };
  admin_->metadata(names, answered);
}

void Readiness::again(std::function<void()> step) {
  later_.start(kLookEveryMs, 0, std::move(step));
}

}  // namespace xylem::cli
