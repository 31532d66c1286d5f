#include "cli/record_source.h"

#include "common/timer.h"

#include <utility>

namespace xylem::cli {
namespace {

class FileSource final : public RecordSource {
 public:
  FileSource(Loop& loop,
             std::vector<std::string> files,
             const InputFormat::Options& options,
             std::unique_ptr<InputFormat> format)
      : files_(loop, std::move(files)), options_(options), format_(std::move(format)) {}

  void more(Done done) override {
    files_.read([this, done = std::move(done), file = files_.file()](auto piece) {
      if (!piece) return done(pass(piece));
      Portion portion{.file = file};
      if (piece->is_file_end) {
        format_->finish(portion.records);
        format_ = std::move(*make_input_format(options_));  // was accepted once
        portion.is_last = piece->is_last;
      } else {
        format_->feed(piece->text, portion.records);
      }
      done(std::move(portion));
    });
  }

 private:
  InputFiles files_;
  InputFormat::Options options_;
  std::unique_ptr<InputFormat> format_;
};

class Generator final : public RecordSource {
 public:
  Generator(Loop& loop, const Clock& clock) : clock_(clock), later_(loop) {}

  void more(Done done) override {
    later_.start(0, 0, [this, done = std::move(done)] { done(next()); });
  }

 private:
  // One at a time: each carries the time it was made.
  Portion next() {
    Record record{.key = "key-" + std::to_string(sequence_ % kGeneratedKeys)};
    record.value = R"({"sequence":)" + std::to_string(sequence_) + R"(,"sent_ms":)" +
                   std::to_string(clock_.wall_ms()) + "}";
    ++sequence_;
    Portion portion;
    portion.records.push_back({.line = sequence_, .record = std::move(record)});
    return portion;
  }

  const Clock& clock_;
  Timer later_;
  std::int64_t sequence_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordSource>> make_file_source(Loop& loop,
                                                       std::vector<std::string> files,
                                                       const InputFormat::Options& format) {
  auto reader = make_input_format(format);
  if (!reader) return pass(reader);
  return std::make_unique<FileSource>(loop, std::move(files), format, std::move(*reader));
}

std::unique_ptr<RecordSource> make_generator(Loop& loop, const Clock& clock) {
  return std::make_unique<Generator>(loop, clock);
}

}  // namespace xylem::cli
