#include "tests/sim/cluster/decisions.h"

#include <utility>

namespace xylem::sim {

const broker::ClusterCommand* Decisions::applied(std::size_t index, Bytes command) {
  const auto text = text_of(command);
  if (index > decided_.size()) return nullptr;
  if (index < decided_.size())
    return decided_[index].text == text ? &decided_[index].command : nullptr;
  auto read = broker::command_from_json(text);
  if (!read) return nullptr;
  decided_.push_back({std::string(text), *std::move(read)});
  // What is refused is refused by all.
  static_cast<void>(state_.apply(decided_.back().command));
  return &decided_.back().command;
}

}  // namespace xylem::sim
