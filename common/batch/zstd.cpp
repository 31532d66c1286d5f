#include "common/batch/codecs.h"

#include <cstdint>
#include <memory>
#include <string>
#include <zstd.h>
#include <zstd_errors.h>

namespace xylem::codecs {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }

  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

std::unexpected<Error> failed(Errc code, std::size_t result) {
  return fail(code, "zstd: " + std::string(ZSTD_getErrorName(result)));
}

}  // namespace

Result<Buffer> pack_zstd(Bytes plain) {
  // One for each thread that packs: making it costs more than a small batch.
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> kContext(ZSTD_createCCtx());
  if (!kContext) return fail(Errc::kIo, "zstd: no memory");
  Buffer packed(ZSTD_compressBound(plain.size()));
  const auto bytes = ZSTD_compressCCtx(kContext.get(), packed.data(), packed.size(), plain.data(),
                                       plain.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(bytes) != 0) return failed(Errc::kIo, bytes);
  packed.resize(bytes);
  return packed;
}

// In one pass, again with more room while it does not fit: unlike a stream, that needs no window,
// whose size the sender could claim at will.
Result<Buffer> unpack_zstd(Bytes packed, std::size_t limit) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> kContext(ZSTD_createDCtx());
  if (!kContext) return fail(Errc::kIo, "zstd: no memory");
  const std::uint64_t stated = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (stated == ZSTD_CONTENTSIZE_ERROR) return fail(Errc::kCorrupt, "zstd: no frame");
  const bool known = stated != ZSTD_CONTENTSIZE_UNKNOWN;
  if (known && stated > limit) return fail(Errc::kCorrupt, "zstd: more bytes than allowed");
  constexpr std::size_t kGrowth = 8;
  const auto guess = known ? std::max<std::size_t>(stated, 1) : kGrowth * packed.size();
  for (auto room = std::min(limit, guess);; room = std::min(limit, kGrowth * room)) {
    Buffer plain(room);
    const auto bytes = ZSTD_decompressDCtx(kContext.get(), plain.data(), plain.size(),
                                           packed.data(), packed.size());
    if (ZSTD_isError(bytes) == 0) {
      plain.resize(bytes);
      return plain;
    }
    if (ZSTD_getErrorCode(bytes) != ZSTD_error_dstSize_tooSmall)
      return failed(Errc::kCorrupt, bytes);
    if (room == limit) return fail(Errc::kCorrupt, "zstd: more bytes than allowed");
  }
}

}  // namespace xylem::codecs
