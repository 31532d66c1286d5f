// HttpRequestParser on any bytes, whole and in pieces of the first byte's size: no crash, bounded,
// and the same requests and verdict.
#include "common/check.h"
#include "network/http/request_parser.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace {

using xylem::Bytes;
using xylem::network::HttpRequest;
using xylem::network::HttpRequestParser;
using xylem::network::HttpServer;

constexpr std::size_t kBodyBytesMax = 4'096;

struct Outcome {
  std::vector<HttpRequest> requests;
  int refused = 0;  // status
};

Outcome parse(Bytes input, std::size_t piece) {
  const HttpServer::Limits limits{.body_bytes_max = kBodyBytesMax};
  auto parser = std::make_unique<HttpRequestParser>(limits);
  Outcome outcome;
  while (!input.empty()) {
    Bytes bytes = input.first(std::min(piece, input.size()));
    input = input.subspan(bytes.size());
    while (!bytes.empty()) {
      if (const auto fed = parser->feed(bytes); !fed) {
        outcome.refused = fed.error().status;
        return outcome;
      }
      if (!parser->is_whole()) continue;
      outcome.requests.push_back(std::move(parser->request()));
      parser = std::make_unique<HttpRequestParser>(limits);
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = Bytes(reinterpret_cast<const std::byte*>(data), size).subspan(1);
  const auto whole = parse(bytes, bytes.size());
  const auto pieces = parse(bytes, std::size_t{data[0]} + 1);
  XYLEM_CHECK(whole.refused == pieces.refused);
  XYLEM_CHECK(whole.requests.size() == pieces.requests.size());
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const auto& left = whole.requests[i];
    const auto& right = pieces.requests[i];
    XYLEM_CHECK(left.method == right.method && left.path == right.path);
    XYLEM_CHECK(left.query == right.query && left.headers == right.headers);
    XYLEM_CHECK(left.body == right.body && left.body.size() <= kBodyBytesMax);
  }
  return 0;
}
