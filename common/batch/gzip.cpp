#include "common/batch/codecs.h"

#include <memory>
#include <string>
#include <zlib.h>

namespace xylem::codecs {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipOnly = 16;  // added to the window bits: no zlib or raw streams
constexpr int kMemoryLevel = 8;

using Input = Bytef*;  // zlib never writes there

Input input_of(Bytes bytes) noexcept {
  return const_cast<Input>(reinterpret_cast<const Bytef*>(bytes.data()));
}

Bytef* output_of(MutableBytes bytes) noexcept { return reinterpret_cast<Bytef*>(bytes.data()); }

struct EndInflate {
  void operator()(z_stream* stream) const noexcept { inflateEnd(stream); }
};

struct EndDeflate {
  void operator()(z_stream* stream) const noexcept { deflateEnd(stream); }
};

}  // namespace

Result<Buffer> pack_gzip(Bytes plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits + kGzipOnly,
                   kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(Errc::kIo, "gzip: no memory");
  const std::unique_ptr<z_stream, EndDeflate> ending(&stream);
  Buffer packed(deflateBound(&stream, plain.size()));
  stream.next_in = input_of(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = output_of(packed);
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return fail(Errc::kIo, "gzip: did not finish");
  packed.resize(stream.total_out);
  return packed;
}

Result<Buffer> unpack_gzip(Bytes packed, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, kWindowBits + kGzipOnly) != Z_OK)
    return fail(Errc::kIo, "gzip: no memory");
  const std::unique_ptr<z_stream, EndInflate> ending(&stream);
  stream.next_in = input_of(packed);
  stream.avail_in = static_cast<uInt>(packed.size());
  GrowingOutput output(4 * packed.size(), limit);
  for (;;) {
    const auto room = output.room();
    stream.next_out = output_of(room);
    stream.avail_out = static_cast<uInt>(room.size());
    const int step = inflate(&stream, Z_NO_FLUSH);
    output.filled(room.size() - stream.avail_out);
    if (output.over_limit()) return fail(Errc::kCorrupt, "gzip: more bytes than allowed");
    if (step == Z_STREAM_END) {
      if (stream.avail_in == 0) return std::move(output).take();
      if (inflateReset(&stream) != Z_OK) return fail(Errc::kCorrupt, "gzip: next member");
    } else if (step != Z_OK) {  // also Z_BUF_ERROR: the input ends too early
      return fail(Errc::kCorrupt, "gzip: " + std::string(zError(step)));
    }
  }
}

}  // namespace xylem::codecs
