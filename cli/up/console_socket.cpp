#include "cli/up/console_socket.h"

#include "common/quantity.h"
#include "common/uv_handle.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

constexpr const char* kName = "/console.sock";

class Directory {
 public:
  explicit Directory(const std::string& dir)
      : descriptor_(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

  ~Directory() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

  [[nodiscard]] std::string socket_path() const {
    return "/proc/self/fd/" + std::to_string(descriptor_) + kName;
  }

 private:
  int descriptor_;
};

struct Write {
  uv_write_t request{};
  std::string text;
};

}  // namespace

class ConsoleSocket::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, const std::string& dir, Console& console)
      : loop_(loop), console_(console), directory_(dir) {}

  Status listen() {
    if (!directory_.is_open()) return fail(Errc::kIo, system_text(errno));
    const auto path = directory_.socket_path();
    unlink(path.c_str());
    server_ = make_pipe();
    server_->data = this;
    int result = uv_pipe_bind(server_.get(), path.c_str());
    if (result == 0) {
      result = uv_listen(stream_of(*server_), 8, [](uv_stream_t* server, int status) {
        if (server->data != nullptr && status == 0) static_cast<Impl*>(server->data)->accept();
      });
    }
    if (result != 0) return fail(Errc::kIo, std::string("console.sock: ") + uv_strerror(result));
    return {};
  }

 private:
  struct Client {
    Impl& owner;
    std::int64_t number;
    UvHandle<uv_pipe_t> pipe;
    std::array<char, 1'024> piece{};
    std::string command;
    bool is_asked = false;
  };

  static uv_stream_t* stream_of(uv_pipe_t& pipe) { return reinterpret_cast<uv_stream_t*>(&pipe); }

  UvHandle<uv_pipe_t> make_pipe() {
    auto pipe = std::make_unique<uv_pipe_t>();
    uv_pipe_init(loop_.raw(), pipe.get(), 0);
    return UvHandle<uv_pipe_t>(pipe.release());
  }

  void accept() {
    auto pipe = make_pipe();
    pipe->data = nullptr;
    if (uv_accept(stream_of(*server_), stream_of(*pipe)) != 0) return;
    if (clients_.size() >= kConnectionsMax) return;
    const auto number = next_number_++;
    auto client = std::make_unique<Client>(*this, number, std::move(pipe));
    client->pipe->data = client.get();
    uv_read_start(stream_of(*client->pipe), give_buffer, on_read);
    clients_.emplace(number, std::move(client));
  }

  static void give_buffer(uv_handle_t* handle, std::size_t /*wanted*/, uv_buf_t* buffer) {
    auto& piece = static_cast<Client*>(handle->data)->piece;
    *buffer = uv_buf_init(piece.data(), static_cast<unsigned>(piece.size()));
  }

  static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    if (stream->data == nullptr || count == 0) return;
    auto& client = *static_cast<Client*>(stream->data);
    if (count < 0) return client.owner.drop(client.number);
    if (client.is_asked) return;
    client.command.append(buffer->base, static_cast<std::size_t>(count));
    if (client.command.size() > kCommandBytesMax) return client.owner.drop(client.number);
    client.owner.ask(client);
  }

  void ask(Client& client) {
    const auto end = client.command.find('\n');
    if (end == std::string::npos) return;
    client.is_asked = true;
    console_.run(client.command.substr(0, end),
                 [weak = weak_from_this(), number = client.number](const Console::Reply& reply) {
                   if (const auto self = weak.lock()) self->answer(number, reply);
                 });
  }

  void answer(std::int64_t number, const Console::Reply& reply) {
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    auto write = std::make_unique<Write>();
    write->text = std::to_string(static_cast<int>(reply.code)) + "\n" + reply.text;
    write->request.data = write.get();
    const auto buffer = uv_buf_init(write->text.data(), static_cast<unsigned>(write->text.size()));
    const int result =
        uv_write(&write->request, stream_of(*found->second->pipe), &buffer, 1, on_written);
    if (result == 0)
      static_cast<void>(write.release());  // on_written has it
    else
      drop(number);
  }

  static void on_written(uv_write_t* request, int /*status*/) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    if (request->handle->data == nullptr) return;
    auto& client = *static_cast<Client*>(request->handle->data);
    client.owner.drop(client.number);
  }

  void drop(std::int64_t number) { clients_.erase(number); }

  Loop& loop_;
  Console& console_;
  Directory directory_;  // closing the server unlinks its path through it
  UvHandle<uv_pipe_t> server_;
  std::map<std::int64_t, std::unique_ptr<Client>> clients_;
  std::int64_t next_number_ = 0;
};

ConsoleSocket::ConsoleSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ConsoleSocket::~ConsoleSocket() = default;

Result<std::unique_ptr<ConsoleSocket>> ConsoleSocket::open(Loop& loop,
                                                           const std::string& dir,
                                                           Console& console) {
  auto impl = std::make_shared<Impl>(loop, dir, console);
  if (auto listening = impl->listen(); !listening) return pass(listening);
  return std::unique_ptr<ConsoleSocket>(new ConsoleSocket(std::move(impl)));
}

Result<Console::Reply> ask_console(const std::string& dir, std::string_view command) {
  const auto nobody = [&dir] {
    return fail(Errc::kUnavailable, "no `xylem up` runs on " + dir + ": " + system_text(errno));
  };
  const Directory directory(dir);
  if (!directory.is_open()) return nobody();
  const auto path = directory.socket_path();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  const int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return nobody();
  const std::shared_ptr<void> closer(nullptr, [connection](void*) { close(connection); });
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return nobody();
  const std::string line = std::string(command) + "\n";
  if (send(connection, line.data(), line.size(), MSG_NOSIGNAL) != std::ssize(line)) return nobody();
  std::string text;
  std::array<char, 4'096> piece{};
  for (;;) {
    const auto count = read(connection, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  const auto end = text.find('\n');
  const auto code = parse_number(std::string_view(text).substr(0, end));
  if (end == std::string::npos || !code || *code < 0 || *code > 255)
    return fail(Errc::kUnavailable, "`xylem up` on " + dir + " ended before it answered");
  return Console::Reply{.code = static_cast<ExitCode>(*code), .text = text.substr(end + 1)};
}

}  // namespace xylem::cli
