#include "cli/input_files.h"

#include "common/check.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

std::unexpected<Error> system_error(const std::string& file) {
  const Errc code = errno == ENOENT ? Errc::kNotFound : Errc::kIo;
  return fail(code, file + ": " + system_text(errno));
}

}  // namespace

// The descriptors. Touched by the worker alone, but for `cancel`.
class InputFiles::Reader {
 public:
  Reader() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { XYLEM_CHECK(wake_ >= 0); }

  ~Reader() {
    close_file();
    close(wake_);
  }

  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // From any thread.
  void cancel() const { XYLEM_CHECK(eventfd_write(wake_, 1) == 0); }

  // Empty at the end of the file.
  Result<std::string> read(const std::string& file) {
    if (auto opened = open_file(file); !opened) return pass(opened);
    std::array waits{pollfd{.fd = wake_, .events = POLLIN, .revents = 0},
                     pollfd{.fd = file_, .events = POLLIN, .revents = 0}};
    while (poll(waits.data(), waits.size(), -1) < 0) {
      if (errno != EINTR) return system_error(file);
    }
    if (waits[0].revents != 0) return fail(Errc::kCancelled, "closed");
    std::string text(kPieceBytes, '\0');
    ssize_t count = 0;
    do {
      count = ::read(file_, text.data(), text.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) return system_error(file);
    text.resize(static_cast<std::size_t>(count));
    if (count == 0) close_file();
    return text;
  }

 private:
  Status open_file(const std::string& file) {
    if (file_ >= 0) return {};
    file_ = file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) return system_error(file);
    return {};
  }

  void close_file() {
    if (file_ > STDIN_FILENO) close(file_);
    file_ = -1;
  }

  int wake_;
  int file_ = -1;
};

InputFiles::InputFiles(Loop& loop, std::vector<std::string> files)
    : loop_(loop), files_(std::move(files)), reader_(std::make_shared<Reader>()), worker_("input") {
  if (files_.empty()) files_.emplace_back("-");
}

InputFiles::~InputFiles() { reader_->cancel(); }

const std::string& InputFiles::file() const { return files_.at(index_); }

void InputFiles::read(Done done) {
  const auto answer = [this, weak = std::weak_ptr(reader_),
                       done = std::move(done)](Result<std::string> text) {
    if (weak.expired()) return;
    if (!text) return done(pass(text));
    Piece piece{.text = std::move(*text)};
    if (piece.text.empty()) {
      piece.is_file_end = true;
      piece.is_last = index_ + 1 == files_.size();
      if (!piece.is_last) ++index_;
    }
    done(std::move(piece));
  };
  auto* reader = reader_.get();  // the worker is joined before it goes
  const bool accepted = worker_.submit([this, reader, answer, file = file()] {
    auto text = reader->read(file);
    loop_.answer([answer, text = std::move(text)] { answer(text); });
  });
  XYLEM_CHECK(accepted);
}

}  // namespace xylem::cli
