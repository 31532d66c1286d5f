#include "common/http_client.h"

#include "common/clock.h"
#include "common/http/http_wire.h"

#include <httplib.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <span>
#include <sys/socket.h>
#include <unistd.h>

namespace xylem {
namespace {

// Bytes reserved on a Content-Length's word: addresses only, memory comes with what arrives.
constexpr std::size_t kReserveMax = 8ULL * 1024 * 1024;
constexpr int kNotModified = 304;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

bool is_one_line(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

Status check(const HttpClient::Exchange& exchange) {
  const bool is_target = exchange.target.starts_with('/') && is_one_line(exchange.target) &&
                         exchange.target.find(' ') == std::string::npos;
  if (!is_target) return fail(Errc::kInvalidRequest, "\"" + exchange.target + "\" is no target");
  for (const auto& [name, value] : exchange.headers) {
    if (name.empty() || !is_one_line(name) || !is_one_line(value))
      return fail(Errc::kInvalidRequest, "header \"" + name + "\" is not one line");
  }
  return {};
}

// HttpWire as the library wants to see it.
class WireStream final : public httplib::Stream {
 public:
  explicit WireStream(HttpWire& wire) : wire_(wire) {}

  [[nodiscard]] bool is_readable() const override { return wire_.is_readable(); }

  [[nodiscard]] bool is_writable() const override { return wire_.is_writable(); }

  ssize_t read(char* to, std::size_t size) override {
    return wire_.read(std::as_writable_bytes(std::span(to, size)));
  }

  ssize_t write(const char* from, std::size_t size) override {
    return wire_.write(bytes_of({from, size}));
  }

  // Only servers ask.
  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}

  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}

  [[nodiscard]] socket_t socket() const override { return wire_.socket(); }

 private:
  HttpWire& wire_;
};

// The library's client reads 4 KiB at a time, with a poll before each: ours reads ahead.
class LibraryClient final : public httplib::ClientImpl {
 public:
  using httplib::ClientImpl::ClientImpl;

  void set_silence(std::int64_t silence_ms) { silence_ms_ = silence_ms; }

 private:
  bool process_socket(const Socket& socket,
                      std::function<bool(httplib::Stream&)> exchange) override {
    HttpWire wire(socket.sock, silence_ms_, ahead_);
    WireStream stream(wire);
    return exchange(stream);
  }

  std::int64_t silence_ms_ = 0;
  Buffer ahead_;
};

}  // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
  const auto found =
      std::ranges::find(headers, name, [](const auto& entry) { return entry.first; });
  return found == headers.end() ? std::string_view() : found->second;
}

class HttpClient::Impl {
 public:
  Impl(const HttpAddress& address, Options options)
      : options_(std::move(options)), client_(address.host, address.port) {
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
    client_.set_follow_location(false);
    client_.set_url_encode(false);
    client_.set_decompress(false);
    client_.set_connection_timeout(options_.connect_timeout_ms / 1000,
                                   options_.connect_timeout_ms % 1000 * 1000);
    client_.set_socket_options([this](int socket) { keep_for_cancel(socket); });
  }

  ~Impl() { replace_wire(-1); }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<HttpAnswer> run(const Exchange& exchange) {
    if (auto checked = check(exchange); !checked) return pass(checked);
    if (is_cancelled()) return cancelled();
    client_.set_silence(exchange.timeout_ms);

    Running running{.exchange = exchange, .heard_ms = clock_.monotonic_ms()};
    auto request = request_of(running);
    httplib::Response response;
    auto error = httplib::Error::Success;
    const bool done = client_.send(request, response, error);
    if (is_cancelled()) return cancelled();
    if (!done && !running.is_complete) return failure(running, error);

    running.answer.status = response.status;
    for (const auto& [name, value] : response.headers)
      running.answer.headers.emplace_back(lower(name), value);
    return std::move(running.answer);
  }

  void cancel() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (wire_ >= 0) shutdown(wire_, SHUT_RDWR);
  }

 private:
  struct Running {
    const Exchange& exchange;
    std::int64_t heard_ms = 0;  // when the server last said something
    HttpAnswer answer = {};
    bool is_too_large = false;
    bool is_ended = false;     // by on_body
    bool is_complete = false;  // given up on purpose: there is no body
  };

  httplib::Request request_of(Running& running) {
    httplib::Request request;
    request.method = running.exchange.method;
    request.path = running.exchange.target;
    for (const auto& [name, value] : running.exchange.headers) request.headers.emplace(name, value);
    request.body = text_of(running.exchange.body);
    request.response_handler = [this, &running](const httplib::Response& response) {
      return take_head(response, running);
    };
    request.content_receiver = [this, &running](const char* data, std::size_t size, auto, auto) {
      return take_body(bytes_of({data, size}), running);
    };
    return request;
  }

  bool take_head(const httplib::Response& response, Running& running) {
    running.heard_ms = clock_.monotonic_ms();
    if (response.status == kNotModified) {  // the library would wait for a body
      running.is_complete = true;
      running.answer.status = response.status;
      for (const auto& [name, value] : response.headers)
        running.answer.headers.emplace_back(lower(name), value);
      return false;
    }
    const auto length = response.get_header_value<std::uint64_t>("Content-Length");
    if (running.exchange.on_body) return true;
    running.is_too_large = length > options_.body_bytes_max;
    if (running.is_too_large) return false;
    auto& body = running.answer.body;
    if (running.exchange.room) body = running.exchange.room();
    body.clear();
    body.reserve(std::min(length, kReserveMax));
    return true;
  }

  bool take_body(Bytes piece, Running& running) {
    running.heard_ms = clock_.monotonic_ms();
    if (running.exchange.on_body) {
      running.is_ended = !running.exchange.on_body(piece);
      return !running.is_ended;
    }
    auto& body = running.answer.body;
    running.is_too_large = piece.size() > options_.body_bytes_max - body.size();
    if (!running.is_too_large) append(piece, body);
    return !running.is_too_large;
  }

  [[nodiscard]] std::unexpected<Error> failure(const Running& running, httplib::Error error) const {
    const auto where = running.exchange.method + " " + options_.base_url + running.exchange.target;
    if (running.is_too_large)
      return fail(Errc::kMessageTooLarge, where + ": the body is over " +
                                              std::to_string(options_.body_bytes_max) + " bytes");
    if (running.is_ended) return fail(Errc::kCancelled, where + ": ended by its reader");
    const auto silent_ms = clock_.monotonic_ms() - running.heard_ms;
    const bool is_silent =
        error != httplib::Error::Connection && silent_ms >= running.exchange.timeout_ms;
    if (error == httplib::Error::ConnectionTimeout || is_silent)
      return fail(Errc::kTimeout, where + ": silent for " + std::to_string(silent_ms) + " ms");
    return fail(Errc::kUnavailable, where + ": " + httplib::to_string(error));
  }

  static std::unexpected<Error> cancelled() {
    return fail(Errc::kCancelled, "the HTTP client is closed");
  }

  bool is_cancelled() {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

  // The library closes its descriptor when it likes; a duplicate of ours is safe to shut down from
  // another thread, also while the connection is being made.
  void keep_for_cancel(int socket) {
    replace_wire(fcntl(socket, F_DUPFD_CLOEXEC, 0));
    fcntl(socket, F_SETFD, FD_CLOEXEC);
    if (!is_cancelled()) return;
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) return;
    dup2(nothing, socket);  // not a socket: connecting it fails at once
    close(nothing);
  }

  void replace_wire(int wire) {
    const std::lock_guard lock(mutex_);
    if (wire_ >= 0) close(wire_);
    wire_ = wire;
  }

  const Options options_;
  const SystemClock clock_;
  LibraryClient client_;
  std::mutex mutex_;
  bool cancelled_ = false;  // under mutex_
  int wire_ = -1;           // under mutex_: a duplicate of the connection's descriptor
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::create(Options options) {
  auto address = parse_base_url(options.base_url);
  if (!address) return pass(address);
  std::signal(SIGPIPE, SIG_IGN);
  if (options.base_url.ends_with('/')) options.base_url.pop_back();
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::make_unique<Impl>(*address, std::move(options))));
}

Result<HttpAnswer> HttpClient::exchange(const Exchange& exchange) { return impl_->run(exchange); }

void HttpClient::cancel() { impl_->cancel(); }

}  // namespace xylem
