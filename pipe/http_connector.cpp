#include "common/http_client.h"
#include "common/http_problem.h"
#include "common/worker.h"
#include "pipe/answer_room.h"
#include "pipe/pipe_connector.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::pipe {
namespace {

constexpr std::string_view kMediaType = "application/vnd.xylem.pipe";

// A client and the thread it blocks. Its tasks run before it is gone.
struct Upstream {
  explicit Upstream(std::unique_ptr<HttpClient> to) : client(std::move(to)), worker("xylem-pipe") {}

  std::unique_ptr<HttpClient> client;
  std::shared_ptr<AnswerRoom> room = std::make_shared<AnswerRoom>();
  std::atomic<bool> is_finished{false};
  Worker worker;
};

// Upstreams whose link is gone, until their thread has noticed. Joining at once would block a loop.
class Leavers {
 public:
  void take(std::unique_ptr<Upstream> upstream) {
    auto* leaving = upstream.get();
    leaving->client->cancel();
    const auto last = [leaving] {
      leaving->room.reset();
      leaving->is_finished = true;
    };
    if (!leaving->worker.submit(last)) return;
    leavers_.push_back(std::move(upstream));
  }

  void reap() {
    std::erase_if(leavers_, [](const auto& upstream) { return upstream->is_finished.load(); });
  }

 private:
  std::vector<std::unique_ptr<Upstream>> leavers_;
};

class HttpLink final : public PipeLink {
 public:
  HttpLink(Loop& loop, std::shared_ptr<Leavers> leavers, const std::string& url)
      : loop_(loop), leavers_(std::move(leavers)) {
    auto client = HttpClient::create({.base_url = url});
    if (client)
      upstream_ = std::make_unique<Upstream>(std::move(*client));
    else
      usable_ = std::unexpected(std::move(client).error());
  }

  ~HttpLink() override {
    if (upstream_) leavers_->take(std::move(upstream_));
  }

  HttpLink(const HttpLink&) = delete;
  HttpLink& operator=(const HttpLink&) = delete;

  void fetch(Buffer request, std::uint64_t timeout_ms, Answer answer) override {
    loop_.check_here();
    exchange("POST", "/pipe/v1/fetch", std::move(request), timeout_ms, std::move(answer));
  }

  void probe(std::uint64_t timeout_ms, std::function<void(Status)> answer) override {
    loop_.check_here();
    exchange("GET", "/pipe/v1/status", {}, timeout_ms,
             [answer = std::move(answer)](const Result<Slice>& result) {
               Status status;
               if (!result) status = std::unexpected(result.error());
               answer(std::move(status));
             });
  }  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): loses sight of what std::function owns

 private:
  void exchange(const char* method,
                const char* target,
                Buffer body,
                std::uint64_t timeout_ms,
                Answer answer) {
    const std::weak_ptr<bool> alive = alive_;
    auto deliver = [alive, answer = std::move(answer)](Result<Slice> result) {
      if (!alive.expired()) answer(std::move(result));
    };
    if (!upstream_) {
      loop_.answer([deliver, error = usable_.error()] { deliver(std::unexpected(error)); });
      return;
    }
    auto task = [&loop = loop_, upstream = upstream_.get(), method, target, body = std::move(body),
                 timeout_ms, deliver = std::move(deliver)] {
      auto result = run(*upstream, method, target, body, timeout_ms);
      loop.answer([deliver, result = std::move(result)]() mutable { deliver(std::move(result)); });
    };
    XYLEM_CHECK(upstream_->worker.submit(std::move(task)));  // one exchange at a time
  }

  static Result<Slice> run(Upstream& upstream,
                           const char* method,
                           const char* target,
                           const Buffer& body,
                           std::uint64_t timeout_ms) {
    HttpClient::Exchange exchange;
    exchange.method = method;
    exchange.target = target;
    exchange.body = body;
    exchange.timeout_ms = static_cast<std::int64_t>(timeout_ms);
    exchange.room = [&upstream] { return upstream.room->take(); };
    if (!body.empty()) exchange.headers.emplace_back("content-type", kMediaType);
    auto answer = upstream.client->exchange(exchange);
    if (!answer) {
      static_cast<void>(upstream.room->take());  // nobody knows when the next one comes
      return pass(answer);
    }
    if (answer->status != 200) return std::unexpected(problem_in(*answer));
    return upstream.room->lend(std::move(answer->body));
  }

  Loop& loop_;
  std::shared_ptr<Leavers> leavers_;
  std::unique_ptr<Upstream> upstream_;
  Status usable_;  // fails when the url is none
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class HttpConnector final : public PipeConnector {
 public:
  explicit HttpConnector(Loop& loop) : loop_(loop) {}

  std::unique_ptr<PipeLink> link(const std::string& url) override {
    loop_.check_here();
    leavers_->reap();
    return std::make_unique<HttpLink>(loop_, leavers_, url);
  }

 private:
  Loop& loop_;
  std::shared_ptr<Leavers> leavers_ = std::make_shared<Leavers>();
};

}  // namespace

std::unique_ptr<PipeConnector> make_http_connector(Loop& loop) {
  return std::make_unique<HttpConnector>(loop);
}

}  // namespace xylem::pipe
