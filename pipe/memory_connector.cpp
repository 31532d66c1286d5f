#include "pipe/memory_connector.h"

#include "common/check.h"
#include "common/timer.h"

#include <map>
#include <utility>

namespace xylem::pipe {

class MemoryConnector::Network {
 public:
  explicit Network(Loop& on) : loop(on) {}

  void later(Loop::Task task) { XYLEM_CHECK(loop.post(std::move(task))); }

  [[nodiscard]] PipeServer* at(const std::string& url) const {
    const auto found = servers.find(url);
    return found == servers.end() ? nullptr : found->second;
  }

  [[nodiscard]] Fault fault_at(const std::string& url) const {
    if (at(url) == nullptr) return Fault::kRefuse;
    return faults ? faults(url) : Fault::kNone;
  }

  Loop& loop;
  std::map<std::string, PipeServer*> servers;
  Faults faults;
  std::uint64_t request_bytes = 0;
};

namespace {

using Fault = MemoryConnector::Fault;
using Network = MemoryConnector::Network;

Slice joined(const std::vector<Slice>& slices) {
  Buffer all;
  for (const auto& slice : slices) append(slice.bytes, all);
  return Slice::own(std::move(all));
}

class MemoryLink final : public PipeLink {
 public:
  MemoryLink(std::shared_ptr<Network> network, std::string url)
      : network_(std::move(network)), url_(std::move(url)), silence_(network_->loop) {}

  ~MemoryLink() override { hang_up(); }

  MemoryLink(const MemoryLink&) = delete;
  MemoryLink& operator=(const MemoryLink&) = delete;

  void fetch(Buffer request, std::uint64_t timeout_ms, Answer answer) override {
    XYLEM_CHECK(!answer_);
    answer_ = std::move(answer);
    network_->request_bytes += request.size();
    const Fault fault = network_->fault_at(url_);
    silence_.start(timeout_ms, 0, [this] {
      hang_up();
      finish(fail(Errc::kTimeout, url_ + " is silent"));
    });
    if (fault == Fault::kSilence) return;
    if (fault == Fault::kRefuse) {
      post([](MemoryLink& link) { link.finish(fail(Errc::kUnavailable, link.url_ + " refused")); });
      return;
    }
    post([request = std::move(request), fault](MemoryLink& link) { link.deliver(request, fault); });
  }

  void probe(std::uint64_t timeout_ms, std::function<void(Status)> answer) override {
    probe_ = std::move(answer);
    const Fault fault = network_->fault_at(url_);
    if (fault == Fault::kSilence) {
      silence_.start(timeout_ms, 0,
                     [this] { finish_probe(fail(Errc::kTimeout, url_ + " is silent")); });
      return;
    }
    post([fault](MemoryLink& link) {
      if (fault == Fault::kRefuse)
        link.finish_probe(fail(Errc::kUnavailable, link.url_ + " refused"));
      else
        link.finish_probe({});
    });
  }

 private:
  // The exchange is over for us: the server need not answer it, and if it did, nobody listens.
  void hang_up() {
    alive_ = std::make_shared<bool>(true);
    if (auto* server = network_->at(url_); server == server_ && server != nullptr && token_ != 0)
      server->abandon(token_);
    token_ = 0;
  }

  // Runs `task` on the loop's next turn, unless it was hung up before.
  void post(std::function<void(MemoryLink&)> task) {
    network_->later([alive = std::weak_ptr(alive_), this, task = std::move(task)] {
      if (!alive.expired()) task(*this);
    });
  }

  void deliver(const Buffer& request, Fault fault) {
    server_ = network_->at(url_);
    if (server_ == nullptr) {
      finish(fail(Errc::kUnavailable, url_ + " reset"));
      return;
    }
    const auto network = network_;
    token_ =
        server_->fetch(request, [alive = std::weak_ptr(alive_), this, fault, network](auto result) {
          // The server may answer inside fetch(), or while it goes away.
          network->later([alive, this, fault, result = std::move(result)] {
            if (!alive.expired()) take(fault, result);
          });
        });
  }

  void take(Fault fault, const Result<std::vector<Slice>>& result) {
    token_ = 0;
    if (fault == Fault::kCut)
      finish(fail(Errc::kUnavailable, url_ + " reset"));
    else if (result)
      finish(joined(*result));
    else
      finish(std::unexpected(result.error()));
  }

  void finish(Result<Slice> result) {
    silence_.stop();
    const auto answer = std::exchange(answer_, nullptr);
    if (answer) answer(std::move(result));
  }

  void finish_probe(const Status& status) {
    silence_.stop();
    const auto answer = std::exchange(probe_, nullptr);
    if (answer) answer(status);
  }

  std::shared_ptr<Network> network_;
  std::string url_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // of this exchange
  Timer silence_;
  Answer answer_;
  std::function<void(Status)> probe_;
  PipeServer* server_ = nullptr;
  std::uint64_t token_ = 0;
};

}  // namespace

MemoryConnector::MemoryConnector(Loop& loop) : network_(std::make_shared<Network>(loop)) {}

MemoryConnector::~MemoryConnector() = default;

void MemoryConnector::serve(const std::string& url, PipeServer& server) {
  network_->servers[url] = &server;
}

void MemoryConnector::withdraw(const std::string& url) { network_->servers.erase(url); }

void MemoryConnector::set_faults(Faults faults) { network_->faults = std::move(faults); }

std::uint64_t MemoryConnector::request_bytes() const { return network_->request_bytes; }

std::unique_ptr<PipeLink> MemoryConnector::link(const std::string& url) {
  return std::make_unique<MemoryLink>(network_, url);
}

std::unique_ptr<MemoryConnector> make_memory_connector(Loop& loop) {
  return std::make_unique<MemoryConnector>(loop);
}

}  // namespace xylem::pipe
