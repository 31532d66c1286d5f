#include "network/client/admin_client.h"

#include "common/timer.h"
#include "network/client/client_session.h"

#include <algorithm>
#include <list>
#include <utility>

namespace xylem::network {

class AdminClient::Impl {
 public:
  using Answered = ClientSession::Answered;

  Impl(const ClientContext& context, Options options)
      : context_(context),
        options_(std::move(options)),
        timeout_(context.loop),
        session_(context,
                 {.brokers = options_.brokers,
                  .client_id = options_.client_id,
                  .token = {},
                  .connect_timeout_ms = options_.timeout_ms,
                  .backoff_ms = options_.backoff_ms,
                  .backoff_max_ms = options_.backoff_max_ms},
                 {.ready = [this](const HelloAnswer&) { pump(); },
                  .lost = [this](const Error& why) { last_trouble_ = why.what(); },
                  .frame = {},
                  .writable = {}}) {
    session_.start();
  }

  ~Impl() {
    for (auto& request : std::exchange(requests_, {}))
      request.answered(fail(Errc::kCancelled, "the client was closed"));
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void ask(FrameType type, std::vector<Slice> pieces, Answered answered) {
    context_.loop.check_here();
    Request request;
    request.type = type;
    request.pieces = std::move(pieces);
    request.answered = std::move(answered);
    request.deadline_ms =
        context_.clock.monotonic_ms() + static_cast<std::int64_t>(options_.timeout_ms);
    requests_.push_back(std::move(request));
    if (requests_.size() == 1) arm_timeout();
    pump();
  }

 private:
  struct Request {
    FrameType type = FrameType::kAdmin;
    std::vector<Slice> pieces;
    Answered answered;
    std::int64_t deadline_ms = 0;
    int redirects = 0;
    bool is_sent = false;
  };

  [[nodiscard]] std::uint64_t left_ms(const Request& request) const {
    const auto left_ms = request.deadline_ms - context_.clock.monotonic_ms();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, left_ms));
  }

  // One at a time: a redirect gives the connection up, and with it what else would be under way.
  void pump() {
    if (!session_.is_ready() || requests_.empty()) return;
    auto at = requests_.begin();
    if (std::exchange(at->is_sent, true)) return;
    session_.request(at->type, at->pieces, left_ms(*at),
                     [this, at](auto answer) { on_answer(at, std::move(answer)); });
  }

  void on_answer(std::list<Request>::iterator at, Result<Frame> answer) {
    if (!answer && answer.error().code() == Errc::kNotLeader && at->redirects < kRedirectsMax) {
      if (const auto leader = Address::parse(answer.error().hint())) {
        ++at->redirects;
        at->is_sent = false;
        if (session_.is_ready() && session_.address() != *leader)
          return session_.redirect(*leader, answer.error());
      }
    }
    if (is_worth_asking_again(*at, answer)) {
      at->is_sent = false;
      last_trouble_ = answer.error().what();
      if (session_.is_ready()) session_.reconnect(answer.error());
      return;
    }
    finish(at, std::move(answer));
  }

  // Another broker may know, or the same one later; a question does no harm twice.
  [[nodiscard]] bool is_worth_asking_again(const Request& request,
                                           const Result<Frame>& answer) const {
    return request.type == FrameType::kMetadata && !answer &&
           answer.error().code() == Errc::kUnavailable &&
           request.deadline_ms > context_.clock.monotonic_ms();
  }

  void finish(std::list<Request>::iterator at, Result<Frame> answer) {
    const auto answered = std::move(at->answered);
    requests_.erase(at);
    answered(std::move(answer));
    pump();
  }

  // Only for what could not be sent; the session times what was.
  void arm_timeout() {
    timeout_.stop();
    if (requests_.empty()) return;
    timeout_.start(left_ms(requests_.front()), 0, [this] {
      const auto now_ms = context_.clock.monotonic_ms();
      for (auto at = requests_.begin(); at != requests_.end();) {
        const auto late = at++;
        if (!late->is_sent && late->deadline_ms <= now_ms)
          finish(late, fail(Errc::kTimeout, "no broker answered: " + last_trouble_));
      }
      arm_timeout();
    });
  }

  ClientContext context_;
  Options options_;
  std::list<Request> requests_;
  std::string last_trouble_ = "never connected";
  Timer timeout_;
  ClientSession session_;
};

AdminClient::AdminClient(const ClientContext& context, Options options)
    : impl_(std::make_unique<Impl>(context, std::move(options))) {}

AdminClient::~AdminClient() = default;

void AdminClient::metadata(std::vector<std::string> topics,
                           std::function<void(Result<MetadataAnswer>)> done) {
  impl_->ask(FrameType::kMetadata, payload_of(MetadataRequest{.topics = std::move(topics)}),
             [done = std::move(done)](const Result<Frame>& answer) {
               done(answer_as<MetadataAnswer>(FrameType::kMetadata, answer));
             });
}

void AdminClient::command(std::string name,
                          std::string json,
                          std::function<void(Result<std::string>)> done) {
  impl_->ask(FrameType::kAdmin,
             payload_of(Admin{.command = std::move(name), .json = std::move(json)}),
             [done = std::move(done)](const Result<Frame>& answer) {
               auto admin = answer_as<Admin>(FrameType::kAdmin, answer);
               if (!admin) return done(pass(admin));
               done(std::move(admin->json));
             });
}

}  // namespace xylem::network
