#include "common/batch/codecs.h"

#include <lz4frame.h>
#include <memory>
#include <string>

namespace xylem::codecs {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
};

std::unexpected<Error> failed(Errc code, std::size_t result) {
  return fail(code, "lz4: " + std::string(LZ4F_getErrorName(result)));
}

}  // namespace

Result<Buffer> pack_lz4(Bytes plain) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;  // Java's reader knows no other
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  Buffer packed(LZ4F_compressFrameBound(plain.size(), &preferences));
  const auto bytes =
      LZ4F_compressFrame(packed.data(), packed.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(bytes) != 0) return failed(Errc::kIo, bytes);
  packed.resize(bytes);
  return packed;
}

Result<Buffer> unpack_lz4(Bytes packed, std::size_t limit) {
  LZ4F_dctx* made = nullptr;
  const auto created = LZ4F_createDecompressionContext(&made, LZ4F_VERSION);
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(made);
  if (LZ4F_isError(created) != 0) return failed(Errc::kIo, created);
  GrowingOutput output(4 * packed.size(), limit);
  for (;;) {
    const auto room = output.room();
    auto written = room.size();
    auto read = packed.size();
    const auto wanted =
        LZ4F_decompress(context.get(), room.data(), &written, packed.data(), &read, nullptr);
    if (LZ4F_isError(wanted) != 0) return failed(Errc::kCorrupt, wanted);
    packed = packed.subspan(read);
    output.filled(written);
    if (output.over_limit()) return fail(Errc::kCorrupt, "lz4: more bytes than allowed");
    if (wanted == 0 && packed.empty()) return std::move(output).take();
    if (read == 0 && written == 0) return fail(Errc::kCorrupt, "lz4: cut short");
  }
}

}  // namespace xylem::codecs
