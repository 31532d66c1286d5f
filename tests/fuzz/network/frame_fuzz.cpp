// FrameParser on any bytes, whole and byte by byte: no crash, the same frames and the same verdict.
#include "common/check.h"
#include "network/protocol/frame.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace {

using xylem::Bytes;

struct Outcome {
  std::vector<xylem::network::Frame> frames;
  std::optional<xylem::Errc> refused;
};

Outcome parse(Bytes input, std::size_t piece) {
  xylem::network::FrameParser parser;
  Outcome outcome;
  while (!input.empty()) {
    Bytes bytes = input.first(std::min(piece, input.size()));
    input = input.subspan(bytes.size());
    while (!bytes.empty()) {
      auto next = parser.next(bytes);
      if (!next) {
        outcome.refused = next.error().code();
        return outcome;
      }
      if (*next) outcome.frames.push_back(std::move(**next));
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto whole = parse(bytes, size);
  const auto pieces = parse(bytes, 1);
  XYLEM_CHECK(whole.refused == pieces.refused);
  XYLEM_CHECK(whole.frames.size() == pieces.frames.size());
  for (std::size_t i = 0; i < whole.frames.size(); ++i) {
    const auto& left = whole.frames[i];
    const auto& right = pieces.frames[i];
    XYLEM_CHECK(left.type == right.type && left.id == right.id);
    XYLEM_CHECK(std::ranges::equal(left.payload.bytes, right.payload.bytes));
  }
  return 0;
}
