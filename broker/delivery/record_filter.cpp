#include "broker/delivery/record_filter.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

enum class Comparison : std::uint8_t { kEqual, kUnequal, kLess, kAtMost, kGreater, kAtLeast };

struct KeyClause {
  std::string text;
  bool is_prefix = false;
};

struct HeaderClause {
  std::string name;
  std::string value;
};

struct ValueClause {
  Json::json_pointer pointer;
  Comparison comparison = Comparison::kEqual;
  Json literal;
};

bool holds(const KeyClause& clause, const RecordView& record) {
  if (!record.key) return false;
  const auto key = text_of(*record.key);
  return clause.is_prefix ? key.starts_with(clause.text) : key == clause.text;
}

bool holds(const HeaderClause& clause, const RecordView& record) {
  return std::ranges::any_of(record.headers, [&](const HeaderView& header) {
    return header.key == clause.name && header.value && text_of(*header.value) == clause.value;
  });
}

// Null: the pointer leads nowhere.
const Json* find(const Json& value, const Json::json_pointer& pointer) {
  try {
    return value.contains(pointer) ? &value.at(pointer) : nullptr;
  } catch (const Json::exception&) {  // an index beyond all numbers
    return nullptr;
  }
}

bool holds(const ValueClause& clause, const Json& value) {
  const auto* there = find(value, clause.pointer);
  if (there == nullptr) return false;
  const auto& found = *there;
  const bool is_ordered = (found.is_number() && clause.literal.is_number()) ||
                          (found.is_string() && clause.literal.is_string());
  switch (clause.comparison) {
    case Comparison::kEqual:
      return found == clause.literal;
    case Comparison::kUnequal:
      return found != clause.literal;
    case Comparison::kLess:
      return is_ordered && found < clause.literal;
    case Comparison::kAtMost:
      return is_ordered && found <= clause.literal;
    case Comparison::kGreater:
      return is_ordered && found > clause.literal;
    case Comparison::kAtLeast:
      return is_ordered && found >= clause.literal;
  }
  return false;
}

}  // namespace

struct RecordFilter::Clauses {
  std::vector<KeyClause> keys;
  std::vector<HeaderClause> headers;
  std::vector<ValueClause> values;

  [[nodiscard]] std::size_t count() const { return keys.size() + headers.size() + values.size(); }
};

namespace {

// Takes a filter's text apart, from its left end.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text), bytes_(text.size()) {}

  [[nodiscard]] bool is_at_end() {
    const auto next = std::ranges::find_if_not(left_, [](unsigned char c) { return c == ' '; });
    left_.remove_prefix(static_cast<std::size_t>(next - left_.begin()));
    return left_.empty();
  }

  bool take(std::string_view token) {
    if (is_at_end() || !left_.starts_with(token)) return false;
    const auto behind = left_.substr(token.size());
    const bool is_word = std::isalpha(static_cast<unsigned char>(token.back())) != 0;
    const bool goes_on =
        !behind.empty() && std::isalnum(static_cast<unsigned char>(behind.front())) != 0;
    if (is_word && goes_on) return false;
    left_ = behind;
    return true;
  }

  Result<std::string> text(std::string_view what) {
    if (is_at_end() || left_.front() != '"') return expected(what);
    std::size_t end = 1;
    while (end < left_.size() && left_[end] != '"') end += left_[end] == '\\' ? 2 : 1;
    if (end >= left_.size()) return expected(what);
    const auto parsed = Json::parse(left_.substr(0, end + 1), nullptr, false);
    if (!parsed.is_string()) return expected(what);
    left_.remove_prefix(end + 1);
    return parsed.get<std::string>();
  }

  Result<Json> literal() {
    constexpr auto kWhat = "a text in quotes, a number, true, false or null";
    if (!is_at_end() && left_.front() == '"') {
      auto string = text(kWhat);
      if (!string) return pass(string);
      return Json(std::move(*string));
    }
    for (const auto& [word, value] :
         {std::pair("true", Json(true)), {"false", Json(false)}, {"null", Json()}}) {
      if (take(word)) return value;
    }
    const auto end = std::min(left_.find(' '), left_.size());
    auto number = Json::parse(left_.substr(0, end), nullptr, false);
    if (!number.is_number()) return expected(kWhat);
    left_.remove_prefix(end);
    return number;
  }

  [[nodiscard]] std::unexpected<Error> expected(std::string_view what) const {
    return fail(Errc::kInvalidRequest,
                "filter: " + std::string(what) + " is expected at character " +
                    std::to_string(bytes_ - left_.size() + 1),
                R"(as in: key ^= "a" and header "h" = "x" and value "/price" >= 10)");
  }

 private:
  std::string_view left_;
  std::size_t bytes_;
};

Result<KeyClause> key_clause(Reader& reader) {
  KeyClause clause;
  clause.is_prefix = reader.take("^=");
  if (!clause.is_prefix && !reader.take("=")) return reader.expected("= or ^=");
  auto text = reader.text("a key in quotes");
  if (!text) return pass(text);
  clause.text = std::move(*text);
  return clause;
}

Result<HeaderClause> header_clause(Reader& reader) {
  auto name = reader.text("a header's name in quotes");
  if (!name) return pass(name);
  if (!reader.take("=")) return reader.expected("=");
  auto value = reader.text("a header's value in quotes");
  if (!value) return pass(value);
  return HeaderClause{std::move(*name), std::move(*value)};
}

// The longer ones first.
std::optional<Comparison> comparison(Reader& reader) {
  if (reader.take("!=")) return Comparison::kUnequal;
  if (reader.take("<=")) return Comparison::kAtMost;
  if (reader.take(">=")) return Comparison::kAtLeast;
  if (reader.take("=")) return Comparison::kEqual;
  if (reader.take("<")) return Comparison::kLess;
  if (reader.take(">")) return Comparison::kGreater;
  return std::nullopt;
}

// nullopt: it is none, or a deep one.
std::optional<Json::json_pointer> pointer_of(const std::string& text) {
  if (static_cast<std::size_t>(std::ranges::count(text, '/')) > RecordFilter::kPointerDepthMax)
    return std::nullopt;
  try {
    return Json::json_pointer(text);
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Result<ValueClause> value_clause(Reader& reader) {
  ValueClause clause;
  auto text = reader.text("a JSON pointer in quotes");
  if (!text) return pass(text);
  auto pointer = pointer_of(*text);
  if (!pointer) return reader.expected("a JSON pointer as \"/price/amount\", of 16 steps at most,");
  clause.pointer = std::move(*pointer);
  const auto compared = comparison(reader);
  if (!compared) return reader.expected("=, !=, <, <=, > or >=");
  clause.comparison = *compared;
  auto literal = reader.literal();
  if (!literal) return pass(literal);
  clause.literal = std::move(*literal);
  return clause;
}

template <class Clause>
Status add(Result<Clause> clause, std::vector<Clause>& to) {
  if (!clause) return std::unexpected(clause.error());
  to.push_back(std::move(*clause));
  return {};
}

}  // namespace

RecordFilter::RecordFilter(std::shared_ptr<const Clauses> clauses) : clauses_(std::move(clauses)) {}

Result<RecordFilter> RecordFilter::parse(std::string_view text) {
  if (text.size() > kTextMax)
    return fail(Errc::kInvalidRequest,
                "a filter has at most " + std::to_string(kTextMax) + " bytes");
  auto clauses = std::make_shared<Clauses>();
  Reader reader(text);
  do {
    Status added;
    if (reader.take("key"))
      added = add(key_clause(reader), clauses->keys);
    else if (reader.take("header"))
      added = add(header_clause(reader), clauses->headers);
    else if (reader.take("value"))
      added = add(value_clause(reader), clauses->values);
    else
      return reader.expected("key, header or value");
    if (!added) return pass(added);
    if (clauses->count() > kClausesMax)
      return fail(Errc::kInvalidRequest,
                  "a filter has at most " + std::to_string(kClausesMax) + " clauses");
  } while (reader.take("and"));
  if (!reader.is_at_end()) return reader.expected("and, or the end,");
  return RecordFilter(std::move(clauses));
}

bool RecordFilter::matches(const RecordView& record) const {
  const auto is_held = [&](const auto& clause) { return holds(clause, record); };
  if (!std::ranges::all_of(clauses_->keys, is_held)) return false;
  if (!std::ranges::all_of(clauses_->headers, is_held)) return false;
  if (clauses_->values.empty() || record.is_tombstone()) return true;
  if (record.value->size() > kValueBytesMax) return false;
  const auto value = Json::parse(text_of(*record.value), nullptr, false);
  if (value.is_discarded()) return false;
  return std::ranges::all_of(clauses_->values,
                             [&](const ValueClause& clause) { return holds(clause, value); });
}

}  // namespace xylem::broker
