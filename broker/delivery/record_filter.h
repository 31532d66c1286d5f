// Which records a subscription is for: a condition on key, headers and value.
//
//   filter  = clause *("and" clause)                        at most kClausesMax
//   clause  = "key" ("=" | "^=") text                       the key is it, or begins with it
//           | "header" text "=" text                        a header of that name has that value
//           | "value" pointer comparison (text | number | "true" | "false" | "null")
//   comparison = "=" | "!=" | "<" | "<=" | ">" | ">="
//   text, pointer: JSON strings; a pointer is a JSON pointer [RFC 6901]; number: of JSON
//
//   key ^= "till-" and header "region" = "north" and value "/price/amount" >= 100
//
// A value clause looks into values that are JSON of at most kValueBytesMax; of others, and where
// the pointer leads nowhere, it is false. Only numbers with numbers, and texts with texts (by their
// bytes), are less or greater. A tombstone has no value: it passes every value clause, so that who
// keeps a copy hears of deletions.
//
// What cannot be opened (control batches, codecs that are not known) passes as it is.
//
// Threads: any; it never changes. Errors: kInvalidRequest: what is expected, and where.
#pragma once

#include "common/batch/record.h"
#include "common/result.h"

#include <cstddef>
#include <memory>
#include <string_view>

namespace xylem::broker {

class RecordFilter {
 public:
  static constexpr std::size_t kTextMax = 4'096;  // bytes, of the whole filter
  static constexpr std::size_t kClausesMax = 16;
  static constexpr std::size_t kPointerDepthMax = 16;
  static constexpr std::size_t kValueBytesMax = 256ULL * 1024;

  static Result<RecordFilter> parse(std::string_view text);

  [[nodiscard]] bool matches(const RecordView& record) const;

 private:
  struct Clauses;
  explicit RecordFilter(std::shared_ptr<const Clauses> clauses);

  std::shared_ptr<const Clauses> clauses_;
};

}  // namespace xylem::broker
