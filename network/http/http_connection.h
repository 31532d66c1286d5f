// One HTTP connection: requests in, one answer after the other out.
//
//   idle -> head -> body -> handler -> answer -> idle ...
//
// While an answer is under way input is still read, up to kUnreadBytes, so that a peer that leaves
// is noticed; then reading stops. A peer that takes no answers gets no further requests served.
//
// Owns: the stream's events, the request in progress. Owned by its HttpShared until the stream
// ends. Threads: the loop's.
#pragma once

#include "common/loop/turn_end.h"
#include "common/timer.h"
#include "network/http/http_server.h"
#include "network/http/request_parser.h"
#include "network/http/router.h"
#include "network/transport/stream.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_set>

namespace xylem::network {

class HttpConnection;

// What the connections of one server share.
struct HttpShared {
  HttpShared(Loop& the_loop, const HttpServer::Limits& the_limits)
      : loop(the_loop), limits(the_limits), turn_end(the_loop, TurnEnd::Stage::kSend) {}

  Loop& loop;
  HttpServer::Limits limits;
  HttpRouter router;
  TurnEnd turn_end;
  std::unordered_set<std::shared_ptr<HttpConnection>> connections;
};

// What a connection tells the reply it has handed out.
class HttpReplyListener {
 public:
  virtual ~HttpReplyListener() = default;
  virtual void gone() = 0;
  virtual void drained() = 0;
};

// A request that is being answered.
struct HttpExchange {
  std::weak_ptr<HttpReplyListener> reply;
  bool is_head = false;
  bool is_http10 = false;
  bool closes = false;
};

class HttpConnection final : public StreamEvents,
                             public std::enable_shared_from_this<HttpConnection> {
 public:
  static constexpr std::size_t kUnreadBytes = 16ULL * 1024;
  static constexpr std::size_t kOutputPauseBytes = 256ULL * 1024;      // no new requests above
  static constexpr std::size_t kOutputBytesMax = 64ULL * 1024 * 1024;  // closed above

  HttpConnection(std::shared_ptr<Stream> stream, HttpShared& shared);
  ~HttpConnection() override;
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start();
  void detach();  // the server goes: nothing is called any more

  // The answer to the request in progress: whole, or in chunks.
  void answer(HttpResponse response);
  void start_chunks(HttpResponse head);
  std::size_t write_chunk(Slice piece);
  void end_chunks();
  void cut();

  void on_bytes(Bytes bytes) override;
  void on_sent() override;
  void on_end(const Error& why) override;

 private:
  void consume(Bytes bytes);
  void head_is_whole(bool body_has_begun);
  void serve();
  void call(const HttpRouter::Found& found, HttpRequest& request);
  void refuse(const HttpRefusal& refusal);
  void finish_exchange();
  void resume();
  void send(Slice piece);
  void watch_output();
  void expect_head();
  void give_up(int status, std::string why);
  [[nodiscard]] bool may_serve() const;

  std::shared_ptr<Stream> stream_;
  HttpShared* shared_;                         // null: detached
  std::unique_ptr<HttpRequestParser> parser_;  // of the request that is arriving
  bool has_seen_head_ = false;
  std::optional<HttpExchange> exchange_;
  Buffer unread_;
  Timer deadline_;  // of what the peer must send
  Timer stall_;     // of what the peer must take
  bool is_consuming_ = false;
  bool is_resume_due_ = false;
  bool is_closing_ = false;
};

}  // namespace xylem::network
