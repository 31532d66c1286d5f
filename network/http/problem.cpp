#include "common/text_encoding.h"
#include "network/http/http_server.h"

namespace xylem::network {

int http_status(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidRequest:
    case Errc::kSchemaValidationFailed:
    case Errc::kUnsupportedVersion:
      return 400;
    case Errc::kUnauthorized:
      return 403;
    case Errc::kNotFound:
    case Errc::kUnknownTopicOrPartition:
    case Errc::kUnknownMember:
      return 404;
    case Errc::kAlreadyExists:
    case Errc::kStaleEpoch:
    case Errc::kStaleGeneration:
    case Errc::kOutOfOrderSequence:
    case Errc::kDuplicateNode:
      return 409;
    case Errc::kMessageTooLarge:
      return 413;
    case Errc::kOffsetOutOfRange:
      return 416;
    case Errc::kNotLeader:
      return 421;
    case Errc::kQuotaExceeded:
      return 429;
    case Errc::kCorrupt:
    case Errc::kIo:
      return 500;
    case Errc::kUnavailable:
    case Errc::kCancelled:
    case Errc::kNotEnoughReplicas:
      return 503;
    case Errc::kTimeout:
      return 504;
    case Errc::kDiskFull:
      return 507;
  }
  return 500;
}

HttpResponse problem(const Error& error, std::string_view members) {
  return problem(http_status(error.code()), error, members);
}

HttpResponse problem(int status, const Error& error, std::string_view members) {
  const auto code = to_string(error.code());
  std::string text = R"({"type":"about:blank","title":)";
  append_json_string(reason_phrase(status), text);
  text += R"(,"status":)" + std::to_string(status) + R"(,"detail":)";
  append_json_string(error.what(), text);
  text += R"(,"code":)";
  append_json_string(code, text);
  if (!error.hint().empty()) {
    text += R"(,"hint":)";
    append_json_string(error.hint(), text);
  }
  if (!members.empty()) text += ',';
  text += members;
  text += '}';
  auto response = HttpResponse::json(status, std::move(text));
  response.content_type = "application/problem+json";
  return response;
}

}  // namespace xylem::network
