// Result<T>: a T or an Error. Status: success or an Error. Both are std::expected.
//
//   auto segment = store.open(id);
//   if (!segment) return std::unexpected(std::move(segment).error());
//
// Dropping one is an error (clang-tidy: bugprone-unused-return-value).
#pragma once

#include "common/error.h"

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace xylem {

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// `return fail(Errc::kCorrupt, "batch checksum")`
[[nodiscard]] inline std::unexpected<Error> fail(Errc code,
                                                 std::string what,
                                                 std::string hint = {}) {
  return std::unexpected(Error(code, std::move(what), std::move(hint)));
}

// Passes an error on: `if (!opened) return pass(opened, "open segment 17");`
template <class T>
[[nodiscard]] std::unexpected<Error> pass(Result<T>& failed, std::string_view doing = {}) {
  auto error = std::move(failed).error();
  if (doing.empty()) return std::unexpected(std::move(error));
  return std::unexpected(std::move(error).within(doing));
}

}  // namespace xylem
